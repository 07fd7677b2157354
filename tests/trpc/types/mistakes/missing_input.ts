// TS2554
import { client } from '../reference.js';

void client.greet.query();
