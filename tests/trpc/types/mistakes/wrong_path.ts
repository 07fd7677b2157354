// TS2551
import { client } from '../reference.js';

void client.post.byID.query('7');
