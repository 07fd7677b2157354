/* What is asked of the server for a span on the screen: whole buckets of round widths, and more than is to be seen. */

const RAW_BELOW_S = 10; // Narrower buckets come from samples, which are read as they are shown and not ahead.
const WIDTHS_S = [10, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const MARGIN = 0.5; // Of the span, on either side: what is dragged into view is there already.
const BUCKETS_MIN = 50;

/**
 * {from, to, buckets} for a span, microseconds UTC, drawn over `width` pixels. Widths on a ladder and beginnings on
 * whole multiples of them make neighbours ask for the same buckets, which the server then has at hand.
 */
export function askedFor({ from, to, isLive, width, now }) {
  const pixel_s = (to - from) / 1e6 / Math.max(BUCKETS_MIN, width);
  const width_s = WIDTHS_S.findLast((step) => step <= pixel_s * 1.25);
  if (width_s === undefined || pixel_s < RAW_BELOW_S * 0.8) {
    return { from: Math.max(0, Math.round(from)), to: Math.max(Math.round(Math.min(to, now)), Math.round(from) + 1), buckets: Math.max(BUCKETS_MIN, Math.round(width)) };
  }
  const step = width_s * 1e6;
  const margin = isLive ? 0 : (to - from) * MARGIN;
  const begin = Math.max(0, Math.floor((from - margin) / step) * step);
  const end = Math.max(begin + step, Math.ceil(Math.min(to + margin, now) / step) * step);
  return { from: begin, to: end, buckets: Math.round((end - begin) / step) };
}
