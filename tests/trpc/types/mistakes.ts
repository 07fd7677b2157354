// What a client of the reference router must not be able to write: a mistake that compiles fails this file.
import { httpBatchLink } from '@trpc/client';
import type { AppRouter } from './app-router.js';
import { client } from './reference.js';

export async function mistakes() {
  // @ts-expect-error 1: an input is needed
  await client.greet.query();
  // @ts-expect-error 2: an input of another type
  await client.greet.query({ name: 1 });
  // @ts-expect-error 3: a procedure nobody declared
  await client.nope.query();
  // @ts-expect-error 4: a query is not mutated
  await client.greet.mutate({ name: 'a' });
  // @ts-expect-error 5: a field nobody declared
  await client.post.create.mutate({ title: 'a', nope: 1 });
  // @ts-expect-error 6: no input is taken
  await client.health.query({ a: 1 });
  // @ts-expect-error 7: the result has no such field
  (await client.greet.query({ name: 'a' })).nope;
  // @ts-expect-error 8: a subscription is not queried
  await client.count.query();
  // @ts-expect-error 9: the server uses no transformer
  httpBatchLink<AppRouter>({ url: '', transformer: { serialize: (x: unknown) => x, deserialize: (x: unknown) => x } });
}
