// Drives a server with the real @trpc/client and prints what came back as one JSON object.
// Usage: node drive.mjs SCENARIO HTTP_URL WS_URL
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

const [scenario, url, wsUrl] = process.argv.slice(2);
const ADA = { authorization: 'Bearer tok_ada' };

const failure = async (promise) => {
  try {
    return { unexpected: await promise };
  } catch (error) {
    return { message: error.message, code: error.data?.code, path: error.data?.path, status: error.data?.httpStatus };
  }
};

/** Collects a subscription's life until it completes, fails, or has `enough` events. */
const collect = (procedure, input, enough = Infinity) =>
  new Promise((resolve) => {
    const seen = { started: 0, events: [], states: [] };
    const end = (how) => {
      resolve({ ...seen, how });
      setTimeout(() => subscription.unsubscribe(), 0);
    };
    const subscription = procedure.subscribe(input, {
      onStarted: () => (seen.started += 1),
      onData: (event) => {
        seen.events.push(event);
        console.error(`event ${seen.events.length}`);
        if (seen.events.length === enough) end('enough');
      },
      onError: (error) => end({ message: error.message, code: error.data?.code }),
      onComplete: () => end('complete'),
      onConnectionStateChange: (state) => seen.states.push(state.state),
    });
  });

const calls = async (client) => ({
  health: await client.health.query(),
  greet: await client.greet.query({ name: 'Ada Łovelace & +%' }),
  nothing: { isUndefined: (await client.nothing.query()) === undefined },
  nil: await client.nil.query(),
  undefinedInput: await client.echoSet.query(undefined),
  nullInput: await client.echoSet.query(null),
  nested: await client.post.byId.query('7'),
  created: await client.post.create.mutate({ title: 'abc', tags: ['x'] }),
  me: await client.me.query(),
  badInput: await failure(client.greet.query({ name: 5 })),
  notFound: await failure(client.post.byId.query('404')),
  noProcedure: await failure(client.nope.query()),
  conflict: await failure(client.conflict.mutate()),
  crash: await failure(client.crash.query()),
});

const fetches = [];
const countingFetch = (...args) => {
  fetches.push(String(args[0]));
  return fetch(...args);
};

const scenarios = {
  async httpLink() {
    const client = createTRPCClient({ links: [httpLink({ url, headers: ADA })] });
    const form = new FormData();
    form.append('a', 'Łovelace');
    form.append('b', '7');
    form.append('file', new File(['x'.repeat(600_000)], 'fw.bin', { type: 'application/x-firmware' }));
    return {
      ...(await calls(client)),
      upload: await client.uploadBytes.mutate(new Blob(['abcde'])),
      uploadFile: await client.uploadBytes.mutate(new File(['abc'], 'fw.bin')),
      uploadBytes: await client.uploadBytes.mutate(new Uint8Array([1, 2, 3, 4])),
      uploadForm: await client.uploadForm.mutate(form),
      noForm: await failure(client.uploadForm.mutate({ a: 'x' })),
      badForm: await failure(client.greetings.mutate(form)),
      emptyForm: await client.uploadForm.mutate(new FormData()),
    };
  },

  async httpBatchLink() {
    const client = createTRPCClient({ links: [httpBatchLink({ url, headers: ADA, fetch: countingFetch })] });
    const single = await calls(client);
    fetches.length = 0;
    const together = await Promise.all([
      client.health.query(),
      client.greet.query({ name: 'a' }),
      failure(client.greet.query({})),
      client.nothing.query(),
      failure(client.nope.query()),
    ]);
    return { ...single, together: together.map((value) => value ?? null), requests: fetches.length };
  },

  async httpBatchStreamLink() {
    const client = createTRPCClient({ links: [httpBatchStreamLink({ url, headers: ADA, fetch: countingFetch })] });
    const single = await calls(client);
    fetches.length = 0;
    const order = [];
    await Promise.all([
      client.slow.query({ ms: 150 }).then(() => order.push('slow')),
      client.health.query().then(() => order.push('health')),
      failure(client.crash.query()).then(() => order.push('crash')),
    ]);
    const requests = fetches.length;
    const items = [];
    for await (const item of await client.streamed.query({ n: 3 })) items.push(item);
    const broken = [];
    const error = await failure(
      (async () => {
        for await (const item of await client.streamedFailure.query()) broken.push(item);
      })(),
    );
    return { ...single, order, requests, items, broken, error };
  },

  async wsLink() {
    const socket = createWSClient({
      url: wsUrl,
      WebSocket,
      connectionParams: ADA,
      keepAlive: { enabled: true, intervalMs: 50, pongTimeoutMs: 1000 },
    });
    const client = createTRPCClient({ links: [wsLink({ client: socket })] });
    const all = {
      ...(await calls(client)),
      tracked: await collect(client.count, { upTo: 3, delayMs: 5 }),
      untracked: await collect(client.countRaw, { upTo: 2, delayMs: 5 }),
      mixed: await collect(client.mixedIds),
      boom: await collect(client.boom),
      secret: await collect(client.secretFeed),
      badInput2: await collect(client.countRaw, { upTo: 'x' }),
      stopped: await collect(client.forever, undefined, 1),
    };
    await new Promise((resolve) => setTimeout(resolve, 200)); // Some keep-alive rounds.
    all.alive = await client.health.query();
    await socket.close();
    return all;
  },

  async httpSubscriptionLink() {
    const withParams = (connectionParams) =>
      createTRPCClient({ links: [httpSubscriptionLink({ url, EventSource, connectionParams })] });
    const client = withParams(undefined);
    return {
      tracked: await collect(client.count, { upTo: 3, delayMs: 5 }),
      untracked: await collect(client.countRaw, { upTo: 2, delayMs: 5 }),
      mixed: await collect(client.mixedIds),
      boom: await collect(client.boom),
      stranger: await collect(client.secretFeed),
      badInput: await collect(client.countRaw, { upTo: 'x' }),
      ada: await collect(withParams(ADA).secretFeed),
      stopped: await collect(client.forever, undefined, 1),
    };
  },

  async wsResume() {
    const socket = createWSClient({ url: wsUrl, WebSocket, retryDelayMs: () => 20 });
    const client = createTRPCClient({ links: [wsLink({ client: socket })] });
    const seen = await collect(client.count, { upTo: 30, delayMs: 20 });
    await socket.close();
    return seen;
  },

  async sseResume() {
    const client = createTRPCClient({ links: [httpSubscriptionLink({ url, EventSource })] });
    return await collect(client.count, { upTo: 30, delayMs: 20 });
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
process.exit(0);
