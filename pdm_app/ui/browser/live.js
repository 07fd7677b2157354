/* The page's one set of live values, as a React hook. */
import { useCallback, useSyncExternalStore } from "react";
import { link } from "./link.js";
import { LiveValues } from "./live_values.js";

export { QUALITY_BAD, QUALITY_UNCERTAIN } from "./live_values.js";

export const live = new LiveValues(link);

/** The newest sample of a signal, undefined before the first; drawn again on each change. */
export function useValue(id) {
  const subscribe = useCallback((listener) => (id ? live.watch(id, listener) : () => {}), [id]);
  const read = useCallback(() => (id ? live.get(id) : undefined), [id]);
  return useSyncExternalStore(subscribe, read, read);
}
