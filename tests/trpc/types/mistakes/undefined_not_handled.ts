// TS18048
import { client } from '../reference.js';

client.count.subscribe(undefined, { onError: (error) => error.data?.issues.length });
