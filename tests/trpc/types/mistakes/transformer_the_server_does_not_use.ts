// TS2322
import { httpBatchLink } from '@trpc/client';
import type { AppRouter } from '../app-router.js';

httpBatchLink<AppRouter>({ url: '', transformer: { serialize: (x: unknown) => x, deserialize: (x: unknown) => x } });
