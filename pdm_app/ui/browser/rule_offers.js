/* "Alarm me about this": any value of the page may ask for it; the one rule desk of the page answers. */
import { Store } from "./store.js";

/**
 * `ready`: whether a desk is there, of somebody who may make rules. `asked`: {signalId, value, at} or null; `value` is in the signal's own
 * unit or null, `at` {x, y} of the pointer where a menu has to come first, null where a button or key has said it already.
 */
export const offers = new Store({ ready: false, asked: null });

/** Ask for a rule on a signal; nothing happens where there is no desk. */
export function askRule(signalId, { value = null, at = null } = {}) {
  if (!offers.get().ready || !signalId) return false;
  offers.patch({ asked: { signalId: Number(signalId), value: Number.isFinite(value) ? value : null, at } });
  return true;
}

/** The signal of the value that an element shows, by the nearest `data-signal`; null where there is none. */
export function signalUnder(element) {
  const found = Number(element?.closest?.("[data-signal]")?.dataset.signal);
  return Number.isInteger(found) && found > 0 ? found : null;
}
