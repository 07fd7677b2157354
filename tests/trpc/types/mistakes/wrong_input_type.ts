// TS2322
import { client } from '../reference.js';

void client.greet.query({ name: 1 });
