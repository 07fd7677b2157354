// TanStack Query over the generated types, as a customer's React team would write it. Compiling this file is the test.
import { QueryClient, useMutation, useQuery } from '@tanstack/react-query';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { createTRPCContext, createTRPCOptionsProxy, useSubscription } from '@trpc/tanstack-react-query';
import type { AppRouter, PostRef } from './app-router.js';
import { is, type Equal } from './equal.js';

const queryClient = new QueryClient();
export const trpc = createTRPCOptionsProxy<AppRouter>({
  client: createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: '/trpc' })] }),
  queryClient,
});
export const { TRPCProvider, useTRPC } = createTRPCContext<AppRouter>();

export function usePost(id: string) {
  const rpc = useTRPC();
  const post = useQuery(rpc.post.byId.queryOptions(id, { staleTime: 30_000 }));
  is<Equal<typeof post.data, PostRef | undefined>>();
  const code = post.error?.data?.code;
  const issues = post.error?.data?.issues?.map((issue) => issue.msg);
  is<Equal<typeof issues, string[] | undefined>>();
  return code === 'NOT_FOUND' ? undefined : post.data?.title;
}

export function useCreatePost() {
  const create = useMutation(
    trpc.post.create.mutationOptions({
      onSuccess: async (post) => {
        is<Equal<typeof post.tags, string[]>>();
        await queryClient.invalidateQueries(trpc.post.byId.queryFilter(String(post.id)));
      },
    }),
  );
  return (title: string) => create.mutate({ title });
}

export function useCount() {
  const rpc = useTRPC();
  const count = useSubscription(
    rpc.count.subscriptionOptions({ upTo: 3 }, { onData: (event) => is<Equal<typeof event.id, string>>() }),
  );
  is<Equal<NonNullable<typeof count.data>['data']['n'], number>>();
  return count.status;
}

export async function prefetched() {
  await queryClient.prefetchQuery(trpc.health.queryOptions());
  const health = queryClient.getQueryData(trpc.health.queryKey());
  is<Equal<typeof health, { ok: boolean } | undefined>>();
}
