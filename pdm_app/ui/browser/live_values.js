/* The newest values of all signals that widgets of this page show, through as few subscriptions as there can be. */

export const QUALITY_UNCERTAIN = 100;
export const QUALITY_BAD = 200;
const SIGNALS_MAX = 500; // per subscription, as the server has it
const HIDDEN_MS = 1_000;
const SETTLE_MS = 30; // Widgets of one page mount within a few frames; one subscription then takes them all.

/** What the page knows: signal id → {value, quality, source_at, received_at, good}, `good` the last good {value, source_at}. */
export class LiveValues {
  constructor(getLink) {
    this.getLink = getLink;
    this.values = new Map();
    this.listeners = new Map(); // signal id → Set of functions
    this.streams = []; // [{ids: Set, close}]
    this.timer = null;
    this.changed = new Set();
    this.frame = null;
    this.errors = new Map(); // signal id → error of its subscription
  }

  get(id) {
    return this.values.get(id);
  }

  errorOf(id) {
    return this.errors.get(id);
  }

  /** Call `listener` after each change of signal `id`, at most once per frame of the screen, until the result is called. */
  watch(id, listener) {
    if (!this.listeners.has(id)) {
      this.listeners.set(id, new Set());
      this.settle();
    }
    this.listeners.get(id).add(listener);
    return () => {
      const listening = this.listeners.get(id);
      listening?.delete(listener);
      if (listening?.size === 0) {
        this.listeners.delete(id);
        this.settle();
      }
    };
  }

  settle() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.arrange(), SETTLE_MS);
  }

  /* Ask for what is wanted now. The old streams end only when the new ones have spoken, so no value is missed between. */
  arrange() {
    const wanted = [...this.listeners.keys()].sort((a, b) => a - b);
    const have = new Set(this.streams.flatMap((stream) => [...stream.ids]));
    if (wanted.length === have.size && wanted.every((id) => have.has(id))) return;
    const old = this.streams;
    this.streams = [];
    let waiting = Math.ceil(wanted.length / SIGNALS_MAX);
    const release = () => {
      waiting -= 1;
      if (waiting <= 0) for (const stream of old) stream.close();
    };
    if (waiting === 0) release();
    for (let start = 0; start < wanted.length; start += SIGNALS_MAX) {
      this.streams.push(this.open(wanted.slice(start, start + SIGNALS_MAX), release));
    }
  }

  open(ids, release) {
    const link = this.getLink();
    let spoken = false;
    const speak = () => {
      if (!spoken) release();
      spoken = true;
    };
    const close = link.subscribe("live.values", { signals: ids }, {
      onData: (message) => {
        this.take(message);
        speak();
      },
      onError: (error) => {
        speak();
        for (const id of ids) {
          this.errors.set(id, error);
          this.changed.add(id);
        }
        this.plan();
      },
      poll: () => link.query("live.latest", { signals: ids }),
      pollEveryMs: 1_000,
    });
    return {
      ids: new Set(ids),
      close: () => {
        close();
        speak(); // A stream that is replaced before its first word must not keep alive what it was to replace.
      },
    };
  }

  take({ now, rows }) {
    let newest = null;
    for (const [id, value, quality, source_at, received_at] of rows) {
      const before = this.values.get(id);
      const isGood = quality < QUALITY_BAD && value !== null;
      const good = isGood ? { value, source_at } : (before?.good ?? (value !== null && source_at ? { value, source_at } : null));
      this.values.set(id, { value, quality, source_at, received_at, good });
      this.errors.delete(id);
      this.changed.add(id);
      if (isGood && received_at > (newest ?? 0) && before) newest = received_at;
    }
    this.getLink().timed(now, newest);
    this.plan();
  }

  /* Draw with the screen; a hidden tab has no frames, and its widgets must still not fall behind for ever. */
  plan() {
    if (this.frame !== null || this.changed.size === 0) return;
    const flush = () => {
      this.frame = null;
      const changed = [...this.changed];
      this.changed.clear();
      for (const id of changed) for (const listener of [...(this.listeners.get(id) ?? [])]) listener();
    };
    const isSeen = globalThis.requestAnimationFrame && !globalThis.document?.hidden;
    this.frame = isSeen ? requestAnimationFrame(flush) : setTimeout(flush, HIDDEN_MS);
  }
}
