// What a client of the reference router may rely on. Compiling this file is the test; it is never run.
import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  isTRPCClientError,
  splitLink,
  TRPCClientError,
} from '@trpc/client';
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import type { AppRouter, Issue, Post, PostCreateInput, Tick, Tracked } from './app-router.js';
import { is, type Equal } from './equal.js';

const url = '/trpc';
export const client = createTRPCClient<AppRouter>({
  links: [
    splitLink({
      condition: (operation) => operation.type === 'subscription',
      true: httpSubscriptionLink({ url }),
      false: httpBatchLink({ url }),
    }),
  ],
});

export async function queries() {
  const health = await client.health.query();
  is<Equal<typeof health, { ok: boolean }>>();
  const greeting = await client.greet.query({ name: 'Ada' });
  is<Equal<typeof greeting.text, string>>();
  const nil = await client.nil.query();
  is<Equal<typeof nil, null>>();
  const nothing = await client.nothing.query();
  is<Equal<typeof nothing, undefined>>();
  const stats = await client.admin.stats.query();
  is<Equal<(typeof stats)[string], number>>();
  const post = await client.post.byId.query('7');
  is<Equal<typeof post, { id: string; title: string }>>();

  // An input that may be left out, may be null, and is a string otherwise.
  await client.echoSet.query();
  await client.echoSet.query(null);
  await client.echoSet.query('x');

  const numbers = await client.streamed.query({ n: 3 });
  for await (const number of numbers) is<Equal<typeof number, number>>();
}

export async function mutations() {
  const post = await client.post.create.mutate({ title: 'abc' });
  is<Equal<typeof post.id, number>>();
  is<Equal<typeof post.tags, string[]>>(); // Has a default, so it is always there.
  const named: Post = post;
  void named;
  await client.post.create.mutate({ title: 'abc', tags: ['x'] });
  await client.post.create.mutate({ title: 'abc', tags: null });
  const token = await client.auth.login.mutate({ username: 'ada', password: 'lovelace' });
  is<Equal<(typeof token)['token'], string>>();
  await client.uploadBytes.mutate(new Uint8Array(3));
  await client.uploadBytes.mutate(new Blob(['abc']));
  await client.conflict.mutate();
}

export async function subscriptions() {
  const counting = client.count.subscribe(undefined, {
    onData(event) {
      is<Equal<typeof event.id, string>>();
      is<Equal<typeof event.data.n, number>>();
      const tracked: Tracked<Tick> = event;
      void tracked;
    },
    onError(error) {
      const issues = error.data?.issues;
      is<Equal<typeof issues, Issue[] | undefined>>();
    },
  });
  counting.unsubscribe();
  client.count.subscribe({ lastEventId: '3', upTo: 9 }, {});
  client.countRaw.subscribe({ upTo: 3 }, { onData: (event) => is<Equal<typeof event, number>>() });
  client.sharedFrames.subscribe(undefined, { onData: (frame) => is<Equal<typeof frame, { n: number }>>() });
  client.mixedIds.subscribe(undefined, {
    onData: (event) => (typeof event === 'number' ? is<Equal<typeof event, number>>() : is<Equal<typeof event.data, number>>()),
  });
  for await (const event of client.count.subscribe({ upTo: 3 })) is<Equal<typeof event.data.n, number>>();
}

export async function errors() {
  try {
    await client.me.query();
  } catch (error) {
    if (!isTRPCClientError<AppRouter>(error)) throw error;
    const code = error.data?.code;
    is<Equal<NonNullable<typeof code>, NonNullable<TRPCClientError<AppRouter>['data']>['code']>>();
    const where = error.data?.issues?.[0]?.loc;
    is<Equal<typeof where, (string | number)[] | undefined>>();
    is<Equal<NonNullable<typeof error.data>['correlationId'], string | undefined>>();
  }
}

export function inferred() {
  type In = inferRouterInputs<AppRouter>;
  type Out = inferRouterOutputs<AppRouter>;
  is<Equal<In['post']['create'], PostCreateInput>>();
  is<Equal<In['health'], void>>();
  is<Equal<Out['post']['byId']['title'], string>>();
}
