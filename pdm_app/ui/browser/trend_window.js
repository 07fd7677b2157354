/* The span of time that a trend shows, and how it is zoomed and moved. Microseconds UTC throughout. */

export const SPANS_S = [900, 3600, 28800, 86400, 604800];
const SPAN_MIN_US = 10e6; // Below ten seconds a trend of second values shows nothing new.
const SPAN_MAX_US = 400 * 86400e6;

/** A window that ends now and moves with the clock. */
export const following = (span_us) => ({ from: null, to: null, span_us, live: true });

/** Bounds of a window at a time: {from, to}. */
export function boundsOf(window, now) {
  return window.live ? { from: now - window.span_us, to: now } : { from: window.from, to: window.to };
}

/** A still window from…to, held to sensible spans and never wholly in the future. */
export function still(from, to, now) {
  const middle = (from + to) / 2;
  const span_us = Math.min(SPAN_MAX_US, Math.max(SPAN_MIN_US, to - from));
  const end = Math.min(middle + span_us / 2, now + span_us * 0.1);
  return { from: Math.round(end - span_us), to: Math.round(end), span_us, live: false };
}

/** Zoom by a factor (below 1 is closer) around the time under the pointer. */
export function zoomed(window, factor, at, now) {
  const { from, to } = boundsOf(window, now);
  const span_us = Math.min(SPAN_MAX_US, Math.max(SPAN_MIN_US, (to - from) * factor));
  // A live window that is zoomed at its end stays live: the operator looks closer at now.
  if (window.live && at > to - (to - from) * 0.08) return following(span_us);
  const share = (at - from) / (to - from);
  return still(at - share * span_us, at + (1 - share) * span_us, now);
}

/** Move by a share of the span; into the past below zero. */
export function moved(window, share, now) {
  const { from, to } = boundsOf(window, now);
  const by = (to - from) * share;
  if (to + by >= now) return following(to - from);
  return still(from + by, to + by, now);
}
