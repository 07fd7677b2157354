/* The one connection of a page to the server: calls over HTTP, subscriptions over WebSocket, else SSE, else polling. */
import { createTRPCUntypedClient, createWSClient, httpBatchLink, httpSubscriptionLink, wsLink } from "@trpc/client";
import { Session } from "./session.js";
import { ServerClock } from "./server_clock.js";
import { Store } from "./store.js";

const FROZEN_AFTER_MS = 3_000; // The server speaks at least once a second; three silences are a broken link.
const FROZEN_AFTER_POLLING_MS = 6_000;
const RETRY_MS = [0, 200, 500, 1_000, 1_500]; // Never slower, so that a page is back within two seconds.
const RESUBSCRIBE_MS = 2_000;
const BLOCKED_AFTER = 2; // Sockets that fail in a row, while plain HTTP works, before they count as blocked.
const SSE_SILENT_MS = 6_000;
const BETTER_EVERY_MS = 60_000; // How often a page on a fallback looks whether WebSockets work again.
const FALLBACK = { ws: "sse", sse: "poll" };

/**
 * `status` holds {state, transport, age_s, latency_ms}: state is "connecting" before the first message, "live",
 * "frozen" while nothing comes, "signed_out" when the session has ended.
 */
export class Link {
  constructor({ origin, WebSocket, EventSource, fetch, session, now = Date.now }) {
    Object.assign(this, { origin, WebSocket, EventSource, fetch, session, now });
    this.url = `${origin}/trpc`;
    this.status = new Store({ state: "connecting", transport: "ws", age_s: 0, latency_ms: null });
    this.clock = new ServerClock(() => this.query("system.now"), now);
    this.leaving = new AbortController();
    const ask = (url, options) => fetch(url, { ...options, signal: either(options?.signal, this.leaving.signal) });
    this.calls = createTRPCUntypedClient({
      links: [httpBatchLink({ url: this.url, fetch: ask, maxItems: 20, maxURLLength: 6000 })],
    });
    this.transport = "ws";
    this.wire = null; // {client, close} of the transport in force
    this.subscriptions = new Set();
    this.failures = 0;
    this.heardAt = null;
    this.openedAt = now();
    this.delays = [];
    this.probing = null;
    this.ticker = null;
  }

  // --- calls -------------------------------------------------------------------------------------------------------

  query(path, input, { signal } = {}) {
    return this.call(() => this.calls.query(path, input, { signal }));
  }

  mutate(path, input) {
    return this.call(() => this.calls.mutation(path, input));
  }

  /* An access cookie that has run out is refreshed and the call made once more; the server refused it, so it did nothing. */
  async call(send) {
    try {
      return await send();
    } catch (error) {
      if (codeOf(error) !== "UNAUTHORIZED") throw error;
      if (!(await this.renewed())) throw error;
      return send();
    }
  }

  async renewed() {
    if (this.leaving.signal.aborted) return false;
    const stands = await this.session.refresh().catch(() => null);
    if (stands === false) this.signedOut();
    return stands === true;
  }

  signedOut() {
    this.hangUp();
    this.status.patch({ state: "signed_out" });
  }

  /** Say nothing more to the server: the person logs out, and this page is about to be left. */
  leave() {
    this.leaving.abort();
    this.hangUp();
  }

  // --- subscriptions -----------------------------------------------------------------------------------------------

  /**
   * Follow `path` until the returned function is called. `onData(message)` for each message; `onError(error)` when it
   * fails, after which it is tried again unless the input itself was refused. `poll()` gives one message by a query,
   * for the last fallback; a subscription without it stays silent there.
   */
  subscribe(path, input, { onData, onError = () => {}, poll = null, pollEveryMs = 2_000 }) {
    const subscription = { path, input, onData, onError, poll, pollEveryMs, stop: () => {}, retry: null };
    this.subscriptions.add(subscription);
    this.session.start();
    this.clock.start();
    this.ticker ??= setInterval(() => this.tick(), 500);
    this.begin(subscription);
    return () => {
      this.subscriptions.delete(subscription);
      this.end(subscription);
    };
  }

  begin(subscription) {
    this.end(subscription);
    if (this.status.get().state === "signed_out" || this.leaving.signal.aborted) return;
    subscription.stop = this.transport === "poll" ? this.beginPolling(subscription) : this.beginStream(subscription);
  }

  end(subscription) {
    clearTimeout(subscription.retry);
    const { stop } = subscription;
    subscription.stop = () => {};
    stop();
  }

  beginStream(subscription) {
    this.wire ??= this.transport === "ws" ? this.dialWebSocket() : this.dialSse();
    let current = true;
    const handle = this.wire.client.subscription(subscription.path, subscription.input, {
      onData: (message) => {
        if (!current) return;
        this.heard();
        subscription.onData(message);
      },
      onError: (error) => current && this.failed(subscription, error),
      onComplete: () => current && this.later(subscription), // The server drains; it or its successor is back soon.
    });
    return () => {
      current = false;
      handle.unsubscribe();
    };
  }

  beginPolling(subscription) {
    if (!subscription.poll) return () => {};
    let timer = null;
    let current = true;
    const ask = async () => {
      try {
        const message = await subscription.poll();
        if (!current) return;
        this.heard();
        subscription.onData(message);
      } catch (error) {
        if (current) subscription.onError(error);
      }
      if (current) timer = setTimeout(ask, subscription.pollEveryMs);
    };
    ask();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }

  async failed(subscription, error) {
    if (codeOf(error) === "UNAUTHORIZED") {
      if (await this.renewed()) this.redial(); // The old socket was opened with the old cookie.
      return;
    }
    subscription.onError(error);
    if (!isRefusal(error)) this.later(subscription);
  }

  later(subscription) {
    clearTimeout(subscription.retry);
    subscription.retry = setTimeout(() => this.subscriptions.has(subscription) && this.begin(subscription), RESUBSCRIBE_MS);
  }

  // --- transports --------------------------------------------------------------------------------------------------

  dialWebSocket() {
    const socket = createWSClient({
      url: this.url.replace(/^http/, "ws"),
      WebSocket: this.WebSocket,
      retryDelayMs: (attempt) => RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)],
      keepAlive: { enabled: true, intervalMs: 2_000, pongTimeoutMs: 1_500 },
      onClose: () => {
        this.failures += 1;
        if (this.failures >= BLOCKED_AFTER && this.wire?.socket === socket) this.probe();
      },
    });
    return { socket, client: createTRPCUntypedClient({ links: [wsLink({ client: socket })] }), close: () => socket.close() };
  }

  dialSse() {
    const link = httpSubscriptionLink({ url: this.url, EventSource: this.EventSource });
    return { client: createTRPCUntypedClient({ links: [link] }), close: () => {} };
  }

  hangUp() {
    for (const subscription of this.subscriptions) this.end(subscription);
    this.wire?.close();
    this.wire = null;
  }

  redial(transport = this.transport) {
    this.hangUp();
    this.transport = transport;
    this.failures = 0;
    this.openedAt = this.now();
    this.status.patch({ transport });
    for (const subscription of this.subscriptions) this.begin(subscription);
  }

  /* The stream does not work. Is it the server, the session or only the stream? A plain call tells. */
  probe() {
    const cookieOf = this.session.refreshedAt();
    this.probing ??= this.query("auth.me")
      .then(
        () => {
          if (!this.silent()) return;
          const renewed = this.session.refreshedAt() !== cookieOf;
          this.redial(renewed ? this.transport : (FALLBACK[this.transport] ?? this.transport));
        },
        () => {}, // The server is away, or the session has ended, which `call` has noted.
      )
      .finally(() => {
        this.failures = 0;
        this.probing = null;
      });
  }

  silent() {
    return this.heardAt === null || this.now() - this.heardAt > FROZEN_AFTER_MS || this.heardAt < this.openedAt;
  }

  /* From a fallback back to WebSockets, once one opens. */
  tryBetter() {
    const socket = new this.WebSocket(this.url.replace(/^http/, "ws"));
    socket.onopen = () => {
      socket.close();
      if (this.transport !== "ws") this.redial("ws");
    };
    socket.onerror = () => {};
  }

  // --- what the connection dot says ----------------------------------------------------------------------------------

  heard() {
    this.heardAt = this.now();
    this.failures = 0;
    this.status.patch({ state: "live", age_s: 0 });
  }

  /** Note when the newest value of a message was received by the server; microseconds UTC, null for a heartbeat. */
  timed(now, receivedAt) {
    this.clock.witness(now);
    if (receivedAt === null) return;
    this.delays.push(Math.max(0, (this.clock.now() - receivedAt) / 1000));
    if (this.delays.length > 20) this.delays.shift();
  }

  tick() {
    const now = this.now();
    const { state } = this.status.get();
    if (state === "signed_out" || this.subscriptions.size === 0) return;
    const quiet_ms = now - (this.heardAt ?? this.openedAt);
    const limit_ms = this.transport === "poll" ? FROZEN_AFTER_POLLING_MS : FROZEN_AFTER_MS;
    if (quiet_ms >= limit_ms) this.status.patch({ state: "frozen", age_s: Math.floor(quiet_ms / 1000), latency_ms: null });
    else if (state === "live") this.status.patch({ latency_ms: median(this.delays) });
    if (this.transport === "sse" && quiet_ms > SSE_SILENT_MS && now - this.openedAt > SSE_SILENT_MS) this.probe();
    if (this.transport !== "ws" && now - (this.triedBetterAt ?? this.openedAt) > BETTER_EVERY_MS) {
      this.triedBetterAt = now;
      this.tryBetter();
    }
  }
}

/* A browser without `AbortSignal.any` (before 2024) lets its calls run on; nobody reads their answers. */
function either(first, second) {
  return first && AbortSignal.any ? AbortSignal.any([first, second]) : (first ?? second);
}

function median(numbers) {
  if (!numbers.length) return null;
  return Math.round([...numbers].sort((a, b) => a - b)[Math.trunc(numbers.length / 2)]);
}

/** Code of an error of the RPC, such as "NOT_FOUND"; undefined when the server was not reached. */
export function codeOf(error) {
  return error?.data?.code ?? error?.shape?.data?.code;
}

/** Whether asking again cannot help: the request itself was refused. */
export function isRefusal(error) {
  return ["BAD_REQUEST", "FORBIDDEN", "NOT_FOUND", "METHOD_NOT_SUPPORTED"].includes(codeOf(error));
}

let shared = null;

/** The page's one link; made on first use, never during a build. */
export function link() {
  shared ??= new Link({
    origin: location.origin,
    WebSocket,
    EventSource,
    fetch: (url, options) => fetch(url, options),
    session: new Session({
      origin: location.origin,
      fetch: (url, options) => fetch(url, options),
      storage: globalThis.localStorage,
      locks: navigator.locks,
    }),
  });
  return shared;
}
