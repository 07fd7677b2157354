// TS2741
import { client } from '../reference.js';

void client.auth.login.mutate({ username: 'ada' });
