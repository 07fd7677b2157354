// TS2339
import { client } from '../reference.js';

client.count.subscribe(undefined, { onData: (event) => event.n });
