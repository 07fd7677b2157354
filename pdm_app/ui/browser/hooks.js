/* What widgets need of the link, the clock and the page's site, as React hooks. */
import { useEffect, useState } from "react";
import { link } from "./link.js";
import { Store } from "./store.js";
import { useStore } from "./use_store.js";

const BUILD_STATUS = new Store({ state: "connecting", transport: "ws", age_s: 0, latency_ms: null });

/** State of the link; "connecting" while the page is being built on the server. */
export function useLinkStatus() {
  return useStore(globalThis.location ? link().status : BUILD_STATUS);
}

/** Whether values on screen are no longer fed. */
export function useFrozen() {
  const { state } = useLinkStatus();
  return state === "frozen" || state === "signed_out";
}

// --- one tick for all ages of the page ------------------------------------------------------------------------------

const ticking = new Store(0);
let timer = null;

function tickWhileSomebodyLooks(listener) {
  const leave = ticking.subscribe(listener);
  timer ??= setInterval(() => ticking.set(ticking.get() + 1), 1_000);
  return () => {
    leave();
    if (ticking.listeners.size === 0) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** Server time in microseconds UTC, renewed each second; null until the page lives in a browser. */
export function useNow() {
  const [now, setNow] = useState(null);
  useEffect(() => {
    const read = () => setNow(link().clock.now());
    read();
    return tickWhileSomebodyLooks(read);
  }, []);
  return now;
}

// --- the site whose clock and zone the page shows -------------------------------------------------------------------

const site = new Store({ zone: "UTC" });

export function setZone(zone) {
  if (zone) site.patch({ zone });
}

export function useZone() {
  return useStore(site).zone;
}

// --- asking once ----------------------------------------------------------------------------------------------------

/** Answer of a query: {answer, error, loading, again}. Keeps the former answer while it asks again. `input` null waits. */
export function useQuery(path, input) {
  const [state, setState] = useState({ answer: null, error: null, loading: true });
  const [round, setRound] = useState(0);
  const key = JSON.stringify(input);
  useEffect(() => {
    if (input === null) return undefined;
    const abort = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    link().query(path, input, { signal: abort.signal }).then(
      (answer) => abort.signal.aborted || setState({ answer, error: null, loading: false }), // Of a former question, come late.
      (error) => abort.signal.aborted || setState((before) => ({ ...before, error, loading: false })),
    );
    return () => abort.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` stands for the content of `input`
  }, [path, key, round]);
  return { ...state, again: () => setRound((count) => count + 1) };
}
