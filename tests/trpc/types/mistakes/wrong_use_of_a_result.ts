// TS2551
import { client } from '../reference.js';

void client.greet.query({ name: 'a' }).then((greeting) => greeting.txt.length);
