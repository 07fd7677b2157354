// The real superjson, for both directions. Usage:
//   node superjson.mjs echo   < {"name": payload, …}   what it understands of payloads: serialized anew, and in words
//   node superjson.mjs make                             payloads of values that only JavaScript has
//   node superjson.mjs call HTTP_URL WS_URL             the real client with superjson in every link
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import superjson, { SuperJSON } from 'superjson';
import {
  createTRPCClient,
  createWSClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
  wsLink,
} from '@trpc/client';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';

const [mode, url, wsUrl] = process.argv.slice(2);
const words = (value) => inspect(value, { depth: 10, breakLength: Infinity, sorted: true });

const echo = () => {
  const payloads = JSON.parse(readFileSync(0, 'utf8'));
  return Object.fromEntries(
    Object.entries(payloads).map(([name, payload]) => {
      const value = superjson.deserialize(payload);
      return [name, { words: words(value), again: superjson.serialize(value) }];
    }),
  );
};

const make = () => {
  const shared = { n: 1 };
  const own = { name: 'own' };
  own.self = own;
  const values = {
    date: new Date('2026-11-21T06:00:00.123Z'),
    bigint: 12345678901234567890n,
    undefined: undefined,
    members: { gone: undefined, here: null, list: [undefined, 1] },
    numbers: [NaN, Infinity, -Infinity, -0, 1.5],
    set: new Set([1, new Date(0), 3n]),
    map: new Map([[1, 'one'], [2, new Set(['two'])]]),
    mapOfObjects: new Map([[{ a: 1 }, 'one']]),
    mapOfDates: new Map([[new Date(0), 1]]),
    regexp: /a.b\/c/gi,
    url: new URL('https://plant.example/a?b=c'),
    bytes: new Uint8Array([0, 1, 255]),
    floats: new Float64Array([1.5, 2]),
    error: new Error('broken'),
    dots: { 'a.b': new Date(0), 'c\\d': { 'e.f': 1n } },
    nested: { deep: [{ deeper: { when: new Date(0), set: new Set([new Map([['k', 1n]])]) } }] },
    shared: { a: shared, b: [shared, shared] },
  };
  const made = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, superjson.serialize(value)]));
  made.deduplicated = new SuperJSON({ dedupe: true }).serialize(values.shared);
  made.own = superjson.serialize(own);
  class Press {}
  const known = new SuperJSON();
  known.registerClass(Press, { identifier: 'Press' });
  made.ofAClass = known.serialize({ press: new Press() });
  return made;
};

const failure = async (promise) => {
  try {
    return { unexpected: words(await promise) };
  } catch (error) {
    return { message: error.message, code: error.data?.code, path: error.data?.path };
  }
};

const events = (procedure, input, enough) =>
  new Promise((resolve) => {
    const seen = [];
    const end = (how) => {
      resolve({ seen, how });
      setTimeout(() => subscription.unsubscribe(), 0);
    };
    const subscription = procedure.subscribe(input, {
      onData: (event) => {
        seen.push(words(event));
        if (seen.length === enough) end('enough');
      },
      onError: (error) => end({ message: error.message, code: error.data?.code }),
      onComplete: () => end('complete'),
    });
  });

const input = () => ({
  when: new Date('2026-11-21T06:00:00.123Z'),
  big: 12345678901234567890n,
  unique: new Set([3, 1]),
  byNumber: new Map([[7, 'seven']]),
  ratio: -Infinity,
  gone: undefined,
});

const calls = async (client) => ({
  kinds: words(await client.kinds.query()),
  echo: words(await client.echo.query(input())),
  mutated: words(await client.change.mutate(input())),
  nothing: words(await client.nothing.query()),
  nil: words(await client.nil.query()),
  optional: words(await client.optional.query()),
  shared: await (async () => {
    const { a, b } = await client.shared.query();
    return a === b;
  })(),
  encoded: words(await client.encoded.query()),
  wrong: await failure(client.echo.query({ ...input(), when: 'yesterday' })),
  refused: await failure(client.refused.query()),
  unknown: await failure(client.nope.query()),
});

const call = async () => {
  const transformer = superjson;
  const socket = createWSClient({ url: wsUrl, WebSocket });
  const links = {
    httpLink: httpLink({ url, transformer }),
    httpBatchLink: httpBatchLink({ url, transformer }),
    httpBatchStreamLink: httpBatchStreamLink({ url, transformer }),
    wsLink: wsLink({ client: socket, transformer }),
  };
  const got = {};
  for (const [name, link] of Object.entries(links)) got[name] = await calls(createTRPCClient({ links: [link] }));
  const stream = createTRPCClient({ links: [links.httpBatchStreamLink] });
  got.together = (await Promise.all([stream.kinds.query(), stream.nothing.query(), stream.echo.query(input())])).map(words);
  got.items = [];
  for await (const item of await stream.items.query()) got.items.push(words(item));
  const over = {
    sse: createTRPCClient({ links: [httpSubscriptionLink({ url, transformer, EventSource })] }),
    ws: createTRPCClient({ links: [links.wsLink] }),
  };
  for (const [name, client] of Object.entries(over)) {
    got[name] = {
      ticks: await events(client.ticks, { since: new Date('2026-11-21T06:00:00Z') }, Infinity),
      resumed: await events(client.ticks, { since: new Date('2026-11-21T06:00:00Z'), lastEventId: '2' }, Infinity),
      failing: await events(client.failing, undefined, Infinity),
    };
  }
  socket.close();
  return got;
};

const got = await { echo, make, call }[mode]();
console.log(JSON.stringify(got));
process.exit(0);
