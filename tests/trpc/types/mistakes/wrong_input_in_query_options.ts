// TS2769
import { trpc } from '../tanstack.js';

trpc.post.byId.queryOptions(7);
