// TS2339
import { client } from '../reference.js';

void client.post.create.query({ title: 'abc' });
