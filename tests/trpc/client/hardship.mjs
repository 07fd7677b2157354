// The links that real integrations put together, and what happens to them on a bad network. Prints one JSON object.
// Usage: node hardship.mjs SCENARIO HTTP_URL WS_URL
import {
  createTRPCClient,
  createWSClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
  loggerLink,
  retryLink,
  splitLink,
  wsLink,
} from '@trpc/client';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';

/** A WebSocket that does not wait half a minute for the other side's goodbye. */
class Impatient extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { closeTimeout: 300 });
  }
}

const [scenario, url, wsUrl] = process.argv.slice(2);
const ADA = { authorization: 'Bearer tok_ada' };
const say = (words) => console.error(`say ${words}`);

const failure = async (promise) => {
  try {
    return { unexpected: await promise };
  } catch (error) {
    return { name: error.name, cause: error.cause?.name, message: error.message, code: error.data?.code };
  }
};

const collect = (procedure, input, options = {}) =>
  new Promise((resolve) => {
    const seen = { started: 0, events: [], states: [] };
    const end = (how) => resolve({ ...seen, how });
    procedure.subscribe(input, {
      onStarted: () => (seen.started += 1),
      onData: (event) => {
        seen.events.push(event);
        console.error(`event ${seen.events.length}`);
      },
      onError: (error) => end({ message: error.message, code: error.data?.code }),
      onComplete: () => end('complete'),
      onConnectionStateChange: (state) => seen.states.push(state.state),
      ...options,
    });
  });

const retried = (attempts) =>
  retryLink({
    retry: ({ op, error, attempts: made }) => {
      attempts.push([op.type, error.data?.code ?? 'none']);
      return op.type !== 'mutation' && made < 2_000 && (error.data === undefined || error.data.code === 'SERVICE_UNAVAILABLE');
    },
    retryDelayMs: () => 30,
  });

const fetches = [];
const countingFetch = (...args) => {
  fetches.push(String(args[0]));
  return fetch(...args);
};

const scenarios = {
  /** The recommended set-up: subscriptions one way, uploads another, everything else batched. */
  async splitLink() {
    const socket = createWSClient({ url: wsUrl, WebSocket, lazy: { enabled: true, closeMs: 100 } });
    const operations = [];
    const client = createTRPCClient({
      links: [
        loggerLink({ enabled: () => true, logger: (op) => operations.push(`${op.direction} ${op.type} ${op.path}`) }),
        splitLink({
          condition: (op) => op.type === 'subscription',
          true: wsLink({ client: socket }),
          false: splitLink({
            condition: (op) => op.input instanceof Blob,
            true: httpLink({ url, headers: ADA }),
            false: httpBatchStreamLink({ url, headers: ADA, fetch: countingFetch }),
          }),
        }),
      ],
    });
    const [health, me, upload, ticks] = await Promise.all([
      client.health.query(),
      client.me.query(),
      client.uploadBytes.mutate(new Blob(['abc'])),
      collect(client.count, { upTo: 3 }),
    ]);
    return { health, me, upload, ticks, requests: fetches.length, operations };
  },

  /** A lazy socket is closed when nobody uses it, and opened again for the next. */
  async lazySocket() {
    const opened = [];
    const socket = createWSClient({
      url: async () => wsUrl,
      WebSocket,
      lazy: { enabled: true, closeMs: 50 },
      onOpen: () => opened.push('open'),
      onClose: () => opened.push('close'),
      connectionParams: async () => ADA,
    });
    const client = createTRPCClient({ links: [wsLink({ client: socket })] });
    const before = [...opened];
    const first = await client.me.query();
    while (opened.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const second = await client.me.query();
    const secret = await collect(client.secretFeedConn);
    await socket.close();
    return { before, first, second, secret, opened };
  },

  /** The client's keep-alive notices a connection that is dead without saying so. */
  async keepAlive() {
    const socket = createWSClient({
      url: wsUrl,
      WebSocket: Impatient,
      retryDelayMs: () => 20,
      keepAlive: { enabled: true, intervalMs: 200, pongTimeoutMs: 200 },
    });
    const client = createTRPCClient({ links: [wsLink({ client: socket })] });
    const seen = await collect(client.count, { upTo: 60, delayMs: 10 });
    await socket.close();
    return seen;
  },

  /** Credentials that the server does not accept for the whole connection. */
  async refusedParams() {
    const socket = createWSClient({ url: wsUrl, WebSocket, connectionParams: { reject: 'me' }, retryDelayMs: () => 5_000 });
    const client = createTRPCClient({ links: [wsLink({ client: socket })] });
    const seen = await failure(client.health.query());
    const sse = createTRPCClient({
      links: [httpSubscriptionLink({ url, EventSource, connectionParams: () => ({ reject: 'me' }) })],
    });
    const stream = await Promise.race([
      collect(sse.count),
      new Promise((resolve) => setTimeout(() => resolve({ how: 'connecting' }), 500)),
    ]);
    return { seen, stream };
  },

  async abortSignals() {
    const results = {};
    for (const [name, link] of [
      ['httpLink', httpLink({ url })],
      ['httpBatchLink', httpBatchLink({ url })],
      ['httpBatchStreamLink', httpBatchStreamLink({ url })],
    ]) {
      const client = createTRPCClient({ links: [link] });
      const stop = new AbortController();
      const waiting = failure(client.slow.query({ ms: 2_000 }, { signal: stop.signal }));
      setTimeout(() => stop.abort(), 50);
      results[name] = { aborted: await waiting, after: await client.health.query() };
    }
    for (const [name, link] of [
      ['wsLink', wsLink({ client: createWSClient({ url: wsUrl, WebSocket }) })],
      ['httpSubscriptionLink', httpSubscriptionLink({ url, EventSource })],
    ]) {
      const client = createTRPCClient({ links: [link] });
      const stop = new AbortController();
      const seen = [];
      await new Promise((resolve) => {
        client.forever.subscribe(undefined, {
          signal: stop.signal,
          onData: (event) => {
            seen.push(event);
            stop.abort();
          },
          onError: resolve,
          onComplete: resolve,
          onStopped: resolve,
        });
        stop.signal.addEventListener('abort', () => setTimeout(resolve, 50));
      });
      results[name] = seen;
    }
    say('aborted');
    await new Promise((resolve) => setTimeout(resolve, 300)); // So that it is the abort that ends them, not the exit.
    return results;
  },

  async maxURLLength() {
    const client = createTRPCClient({ links: [httpBatchLink({ url, maxURLLength: 600, fetch: countingFetch })] });
    const greetings = await Promise.all([1, 2, 3, 4].map((n) => client.greet.query({ name: 'é'.repeat(50) + n })));
    const lengths = fetches.map((one) => one.length);
    const tooLong = await failure(client.greet.query({ name: 'é'.repeat(500) }));
    return { greetings, lengths, tooLong };
  },

  async maxItems() {
    const client = createTRPCClient({ links: [httpBatchLink({ url, maxItems: 4, fetch: countingFetch })] });
    const posts = await Promise.all([...Array(10).keys()].map((n) => client.post.byId.query(String(n))));
    return { ids: posts.map((post) => post.id), requests: fetches.length };
  },

  /** Queries are repeated until the server is there; mutations are not. */
  async retryLink() {
    const attempts = [];
    const client = createTRPCClient({ links: [retried(attempts), httpBatchLink({ url })] });
    const mutation = await failure(client.conflict.mutate());
    say('waiting');
    const health = await client.health.query();
    return { mutation, health, attempts };
  },

  async retriedSubscription() {
    const attempts = [];
    const client = createTRPCClient({ links: [retried(attempts), httpSubscriptionLink({ url, EventSource })] });
    return await collect(client.count, { upTo: 40, delayMs: 10 });
  },

  async cutSocket() {
    const socket = createWSClient({ url: wsUrl, WebSocket, retryDelayMs: () => 20 });
    const client = createTRPCClient({ links: [wsLink({ client: socket })] });
    const waiting = failure(client.waitForGate.mutate({ name: 'weld' }));
    const seen = await collect(client.count, { upTo: 40, delayMs: 10 });
    await socket.close();
    return { ...seen, mutation: await waiting };
  },

  async cutStream() {
    const client = createTRPCClient({ links: [httpBatchStreamLink({ url })] });
    const items = [];
    const error = await failure(
      (async () => {
        for await (const item of await client.streamed.query({ n: 10_000_000 })) {
          items.push(item);
          if (items.length === 1) say('streaming');
        }
      })(),
    );
    return { first: items[0], error, after: await client.health.query() };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
process.exit(0);
