// TS2339
import { client } from '../reference.js';

void client.count.query();
