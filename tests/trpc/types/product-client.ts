// A client of the product for programs that are wrong on purpose.
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import type { AppRouter } from './product-router.js';

export const product = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: '/trpc' })] });
