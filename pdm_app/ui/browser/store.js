/* A value that React components read and any module may change. */
import { useSyncExternalStore } from "react";

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

/** Read a store in a component; drawn again when it changes. */
export function useStore(store) {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}
