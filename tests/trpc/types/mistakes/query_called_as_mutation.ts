// TS2339
import { client } from '../reference.js';

void client.greet.mutate({ name: 'a' });
