// TS2353
import { client } from '../reference.js';

void client.post.create.mutate({ title: 'abc', nope: 1 });
