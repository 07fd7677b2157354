/* Runs laid over each other, as data: columns of a plot, the span that is shown, what a run came to; pure functions. */
import { measure } from "./units_shown.js";

const SHARE_MIN = 1 / 200; // Of the longest run; closer in there are no more points to see.

/** Columns [at_s, band low, band high, one of each run] of an answer of batches.series, in the reader's unit. */
export function columnsOf(answer, record) {
  const turned = (column) => column.map((value) => (value === null ? null : measure(record, value)));
  const nothing = () => new Array(answer.at_s.length).fill(null);
  const edges = answer.band_runs.length ? [answer.band_low, answer.band_high] : [nothing(), nothing()];
  return [answer.at_s, ...edges.map(turned), ...answer.runs.map((run) => turned(run.mean))];
}

/** Seconds from the beginning to the end of the longest run. */
export function longestOf(answers) {
  return Math.max(1e-3, ...answers.map((answer) => (answer.at_s.at(-1) ?? 0) + answer.every_s));
}

/** The span that is shown, {from_s, to_s}, inside the longest run: `elapsed` is [from, to], or null for all of it. */
export function spanOf(elapsed, longest) {
  if (!elapsed) return { from_s: 0, to_s: longest };
  const wide = Math.min(longest, Math.max(longest * SHARE_MIN, elapsed[1] - elapsed[0]));
  const from_s = Math.max(0, Math.min(elapsed[0], longest - wide));
  return { from_s, to_s: from_s + wide };
}

/** The span after a step of the wheel, a pinch, or a key: `factor` times as wide around `at`. Null: all of it. */
export function zoomedSpan({ from_s, to_s }, factor, at, longest) {
  const wide = (to_s - from_s) * factor;
  if (wide >= longest) return null;
  const share = (at - from_s) / (to_s - from_s);
  const span = spanOf([at - share * wide, at + (1 - share) * wide], longest);
  return [span.from_s, span.to_s];
}

/** The span moved by a share of itself; it stops at the ends. */
export function movedSpan({ from_s, to_s }, share, longest) {
  const step = (to_s - from_s) * share;
  const span = spanOf([from_s + step, to_s + step], longest);
  return span.to_s - span.from_s >= longest ? null : [span.from_s, span.to_s];
}

/** What each run stood at in a row of the columns; without a row, the mean of all that is known of it. */
export function valuesAt(columns, row) {
  return columns.slice(3).map((column) => {
    if (row !== null && row !== undefined) return column[row] ?? null;
    const known = column.filter((value) => value !== null);
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  });
}

/** Whether a value lies outside the band of the golden runs there; false where there is no band. */
export function isOutside([, low, high], row, value) {
  if (value === null || row === null || row === undefined) return false;
  return (low[row] !== null && value < low[row]) || (high[row] !== null && value > high[row]);
}
