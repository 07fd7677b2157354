/* What the trend workspace shows, as its address says it: signals and expressions, marks, overlays; pure functions. */
import { typedNumber } from "./plant_edit.js";

export const SERIES_MAX = 8;
export const COLOURS = 6;
const EARLIER_S = [0, 86_400, 604_800];
export const RUNS_MAX = 20; // As the server lays over each other.
const RUN = /^[0-9A-Za-z-]{1,64}$/;
export const OVERLAYS = ["alarms", "envelope", "notes"];

/** A series' key: the number of a signal, or an expression behind "=". */
export const keyOf = (series) => (series.signal ? String(series.signal) : `=${series.formula}`);

/** Add a series; the same list where it is there already or no more fit. */
export function added(list, series) {
  if (list.length >= SERIES_MAX || list.some((each) => keyOf(each) === keyOf(series))) return list;
  const taken = new Set(list.map((each) => each.colour));
  const colour = [1, 2, 3, 4, 5, 6].find((each) => !taken.has(each)) ?? (list.length % COLOURS) + 1;
  return [...list, { ...series, colour }];
}

export const removed = (list, key) => list.filter((each) => keyOf(each) !== key);

/**
 * The view that an address names: {list, marks: {a, b}, earlier_s, hidden: overlays that are off, isTable, runs, elapsed}.
 * With `runs` it lies on their elapsed time, of which `elapsed`, [from, to] in seconds, is shown; null for all.
 */
export function viewOf(params) {
  let list = [];
  for (const one of params.getAll("s").slice(0, SERIES_MAX)) {
    const number = Number(one);
    if (Number.isInteger(number) && number > 0) list = added(list, { signal: number });
    else if (one.startsWith("=") && one.length > 1) list = added(list, { formula: one.slice(1, 2001) });
  }
  const at = (name) => {
    const value = Date.parse(params.get(name) ?? "") * 1000;
    return Number.isFinite(value) ? value : null;
  };
  const earlier_s = typedNumber(params.get("earlier")) ?? 0;
  return {
    list, marks: { a: at("a"), b: at("b") }, earlier_s: EARLIER_S.includes(earlier_s) ? earlier_s : 0,
    hidden: OVERLAYS.filter((name) => (params.get("hide") ?? "").split(".").includes(name)), isTable: params.get("as") === "table",
    runs: [...new Set((params.get("runs") ?? "").split(".").filter((id) => RUN.test(id)))].slice(0, RUNS_MAX), elapsed: elapsedOf(params.get("elapsed")),
  };
}

function elapsedOf(text) {
  const [from, to] = (text ?? "").split("~").map((part) => typedNumber(part));
  return from !== null && to !== null && from !== undefined && to !== undefined && from >= 0 && to > from ? [from, to] : null;
}

/** Put a run among those that are laid over each other, or take it away; the ones chosen first go where they are too many. */
export const toggled = (runs, id) => (runs.includes(id) ? runs.filter((each) => each !== id) : [...runs, id].slice(-RUNS_MAX));

/** `params` with the view in them; what belongs to others stays. */
export function withView({ list, marks, earlier_s, hidden, isTable, runs, elapsed }, params) {
  const next = new URLSearchParams(params);
  for (const name of ["s", "a", "b", "earlier", "hide", "as", "runs", "elapsed"]) next.delete(name);
  for (const series of list) next.append("s", keyOf(series));
  for (const name of ["a", "b"]) if (marks[name] !== null) next.set(name, new Date(marks[name] / 1000).toISOString());
  if (earlier_s) next.set("earlier", String(earlier_s));
  if (hidden.length) next.set("hide", hidden.join("."));
  if (isTable) next.set("as", "table");
  if (runs.length) next.set("runs", runs.join("."));
  if (runs.length && elapsed) next.set("elapsed", elapsed.map((at) => Number(at.toFixed(3))).join("~"));
  return next;
}

/** Lanes [{unit, keys}]: one for each unit, in the order in which units come first. */
export function lanesOf(list, unitOf) {
  const lanes = new Map();
  for (const series of list) {
    const unit = unitOf(series);
    lanes.set(unit, [...(lanes.get(unit) ?? []), keyOf(series)]);
  }
  return [...lanes].map(([unit, keys]) => ({ unit, keys }));
}

/** Put a mark: the first that is missing, else the nearer of the two; a before b. */
export function marked({ a, b }, at) {
  if (a === null) return { a: at, b };
  if (b === null) return at < a ? { a: at, b: a } : { a, b: at };
  const next = Math.abs(at - a) < Math.abs(at - b) ? { a: at, b } : { a, b: at };
  return next.a <= next.b ? next : { a: next.b, b: next.a };
}

/** Row of the newest point at or before a time, -1 before the first; `times` in seconds. */
export function rowAt(times, at) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] * 1e6 <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Figures of columns [at_s, low, high, mean] between two times: {a, b, low, high, mean, known}; null where nothing is
 * known. The mean is weighted by time over the drawn points; `known` is the share of the span in which there is one.
 */
export function figuresOf([times, low, high, mean], from, to) {
  const value = (at) => {
    const row = rowAt(times, at);
    return row < 0 ? null : (mean[row] ?? null);
  };
  const first = Math.max(0, rowAt(times, from));
  let lowest = null;
  let highest = null;
  let area = 0;
  let known = 0;
  for (let row = first; row < times.length && times[row] * 1e6 <= to; row += 1) {
    if (mean[row] === null || mean[row] === undefined) continue;
    const begin = Math.max(from, times[row] * 1e6);
    const end = Math.min(to, row + 1 < times.length ? times[row + 1] * 1e6 : to);
    if (times[row] * 1e6 >= from || end > begin) {
      lowest = lowest === null ? low[row] : Math.min(lowest, low[row]);
      highest = highest === null ? high[row] : Math.max(highest, high[row]);
    }
    area += mean[row] * Math.max(0, end - begin);
    known += Math.max(0, end - begin);
  }
  return { a: value(from), b: value(to), low: lowest, high: highest, mean: known > 0 ? area / known : null, known: to > from ? known / (to - from) : 0 };
}

/** Columns from one time to another, microseconds. */
export function within(columns, from, to) {
  const first = Math.max(0, rowAt(columns[0], from - 1) + 1);
  const last = rowAt(columns[0], to) + 1;
  return columns.map((column) => column.slice(first, last));
}

/** Rows [{at, values}] of a table, at most `most`, the newest first: every time at which a series has a point. */
export function rowsOf(columns, most) {
  const times = [...new Set(columns.flatMap(([at, , , mean]) => at.filter((_, row) => mean[row] !== null)))].sort((a, b) => b - a);
  const rows = times.slice(0, most).map((at) => ({
    at: at * 1e6,
    values: columns.map(([each, , , mean]) => {
      const row = rowAt(each, at * 1e6);
      return row < 0 ? null : (mean[row] ?? null);
    }),
  }));
  return { rows, total: times.length };
}

/** Rows of a table: every time at which one of the series has a point, with the value that stood then. */
export function csvOf(names, columns) {
  const times = [...new Set(columns.flatMap(([at, , , mean]) => at.filter((_, row) => mean[row] !== null)))].sort((a, b) => a - b);
  const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const safe = (name) => cell(/^[=+\-@]/.test(name) ? `'${name}` : name); // A spreadsheet must not take a name for a formula.
  const rows = times.map((at) => {
    const values = columns.map(([each, , , mean]) => {
      const row = rowAt(each, at * 1e6);
      return row < 0 || mean[row] === null ? "" : String(mean[row]);
    });
    return [new Date(at * 1000).toISOString(), ...values].join(",");
  });
  return [["time", ...names].map(safe).join(","), ...rows].join("\r\n") + "\r\n";
}
