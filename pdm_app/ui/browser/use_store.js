/* Read a store in a component; drawn again when it changes. */
import { useSyncExternalStore } from "react";

export function useStore(store) {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}
