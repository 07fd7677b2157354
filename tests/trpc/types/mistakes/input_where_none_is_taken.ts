// TS2345
import { client } from '../reference.js';

void client.health.query({ a: 1 });
