/* The span of time that a trend shows, and how it is zoomed and moved. Microseconds UTC throughout. */

export const SPANS_S = [900, 3600, 28800, 86400, 604800, 2592000];
const SPAN_MIN_US = 10e6; // Below ten seconds a trend of second values shows nothing new.
const SPAN_MAX_US = 400 * 86400e6;

/** A period that ends now and moves with the clock. */
export const following = (span_us) => ({ from: null, to: null, span_us, live: true });

/** Bounds of a period at a time: {from, to}. */
export function boundsOf(period, now) {
  return period.live ? { from: now - period.span_us, to: now } : { from: period.from, to: period.to };
}

/** A still period from…to, held to sensible spans and never wholly in the future. */
export function still(from, to, now) {
  const middle = (from + to) / 2;
  const span_us = Math.min(SPAN_MAX_US, Math.max(SPAN_MIN_US, to - from));
  const end = Math.min(middle + span_us / 2, now + span_us * 0.1);
  return { from: Math.round(end - span_us), to: Math.round(end), span_us, live: false };
}

/** Zoom by a factor (below 1 is closer) around the time under the pointer. */
export function zoomed(period, factor, at, now) {
  const { from, to } = boundsOf(period, now);
  const span_us = Math.min(SPAN_MAX_US, Math.max(SPAN_MIN_US, (to - from) * factor));
  // A live period that is zoomed at its end stays live: the operator looks closer at now.
  if (period.live && at > to - (to - from) * 0.08) return following(span_us);
  const share = (at - from) / (to - from);
  return still(at - share * span_us, at + (1 - share) * span_us, now);
}

/** Move by a share of the span; into the past below zero. */
export function moved(period, share, now) {
  const { from, to } = boundsOf(period, now);
  const by = (to - from) * share;
  if (to + by >= now) return following(to - from);
  return still(from + by, to + by, now);
}

/** `params` with the period in them: `span` in seconds for one that follows the clock, else `from` and `to` in ISO 8601. */
export function toQuery(period, params) {
  const next = new URLSearchParams(params);
  for (const name of ["span", "from", "to"]) next.delete(name);
  if (period.live) next.set("span", String(Math.round(period.span_us / 1e6)));
  else for (const name of ["from", "to"]) next.set(name, new Date(period[name] / 1000).toISOString());
  return next;
}

/** The period that an address names; null if it names none that makes sense. */
export function fromQuery(params) {
  const span_us = Number(params.get("span") ?? NaN) * 1e6;
  if (span_us >= SPAN_MIN_US && span_us <= SPAN_MAX_US) return following(span_us);
  const [from, to] = ["from", "to"].map((name) => Date.parse(params.get(name) ?? "") * 1000);
  return from < to ? { from, to, span_us: to - from, live: false } : null;
}
