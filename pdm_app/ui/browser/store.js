/* A value that any module may change and whose readers hear of it. */
export class Store {
  constructor(value) {
    this.value = value;
    this.listeners = new Set();
    this.subscribe = this.subscribe.bind(this);
    this.get = this.get.bind(this);
  }

  get() {
    return this.value;
  }

  set(value) {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  /** Merge `patch`; listeners hear of it only if a member has changed. */
  patch(patch) {
    if (Object.entries(patch).every(([key, value]) => Object.is(this.value[key], value))) return;
    this.set({ ...this.value, ...patch });
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
