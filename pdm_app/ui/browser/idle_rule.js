/* When a page that nobody touches signs out, and when it says so before. */

/** Seconds left until the page signs out, null while there is no reason to say so. `now` in milliseconds. */
export function leftOf(touchedAt, now, rule) {
  if (!rule || rule.idle_s === null) return null;
  const left_s = Math.ceil((touchedAt + rule.idle_s * 1000 - now) / 1000);
  return left_s <= rule.warn_s ? Math.max(0, left_s) : null;
}
