/* Where a limit lies that is dragged or moved by keys: whole steps of the signal's decimals, held inside the drawing. */

/** The value at a height over the bottom of a drawing; the inverse of `pixel`. */
export function valueAt(y, { low, high }, height) {
  const share = Math.min(1, Math.max(0, (height - y) / (height || 1)));
  return low + share * (high - low);
}

/** To as many decimals as the signal has, without the crumbs of binary fractions. */
export const rounded = (value, decimals) => Number(value.toFixed(Math.min(9, Math.max(0, decimals ?? 1))));

/** One step of the keys: a hundredth of what is drawn, never less than the last decimal. */
export function stepOf({ low, high }, decimals) {
  return Math.max(10 ** -(decimals ?? 1), rounded((high - low) / 100, decimals));
}

const STEPS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };

/** The limit after a key was pressed; null for a key that moves nothing. With Shift the smallest step there is. */
export function nudged(limit, key, fine, scale, decimals) {
  const steps = STEPS[key];
  if (!steps || !Number.isFinite(limit)) return null;
  return rounded(limit + steps * (fine ? 10 ** -(decimals ?? 1) : stepOf(scale, decimals)), decimals);
}

/** Ends of the drawing: what was, the normal band and the limit, with some air; never flat. */
export function endsOf(values, limit, signal) {
  const known = [...values, limit, signal.normal_low, signal.normal_high].filter((value) => Number.isFinite(value));
  if (!known.length) return { low: 0, high: 1 };
  const low = Math.min(...known);
  const high = Math.max(...known);
  const air = (high - low) * 0.15 || Math.abs(high) * 0.1 || 1;
  return { low: low - air, high: high + air };
}
