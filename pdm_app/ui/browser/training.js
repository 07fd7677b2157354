/* What the training page reckons with: the address that names where somebody is, spans, rows and the places of handles. */

export const DAY_US = 86_400e6;
export const STEPS = ["machine", "data", "train", "replay", "decide"];
export const SPANS_D = [1, 7, 30, 90];
export const ROWS_S = [1, 10, 60, 300, 900];
export const DETECTORS = ["ensemble", "pca", "ewma", "rolling_z", "isolation_forest", "lstm_autoencoder"];
export const RULES = ["held_out", "budget", "training_p99"];
const ROWS_MAX = 200_000; // As the server takes them.
const TEXTS = ["asset", "job", "model", "version", "step", "detector"];
const NUMBERS = ["begin", "end", "row", "days"];

/** Where somebody is, as the address says it: {asset, job, model, version, step, detector, begin, end, row, days}. */
export function placeOf(params) {
  const place = {};
  for (const name of TEXTS) place[name] = params.get(name) ?? "";
  for (const name of NUMBERS) {
    const value = Number(params.get(name));
    place[name] = Number.isSafeInteger(value) && value > 0 ? value : 0;
  }
  if (!STEPS.includes(place.step)) place.step = stepsOpen(place).at(-1);
  if (!DETECTORS.includes(place.detector)) place.detector = DETECTORS[0];
  if (!SPANS_D.includes(place.days)) place.days = 7;
  if (!ROWS_S.includes(place.row)) place.row = rowFor(place.days);
  if (place.end <= place.begin) place.begin = place.end = 0;
  return place;
}

/** The address of a place. */
export function paramsOf(place) {
  const params = new URLSearchParams();
  for (const name of [...TEXTS, ...NUMBERS]) if (place[name]) params.set(name, place[name]);
  return params;
}

/** Which steps can be gone to: a version has a replay, a machine has data, everybody has machines. */
export function stepsOpen({ asset, job, version }) {
  if (version) return STEPS;
  if (job) return STEPS.slice(0, 3);
  return STEPS.slice(0, asset ? 2 : 1);
}

/** Seconds between two rows that a time is cut into unless somebody says otherwise. */
export const rowFor = (days) => (days <= 1 ? 10 : days <= 30 ? 60 : 300);

export const fitsRows = (days, row_s) => (days * 86_400) / row_s <= ROWS_MAX;

/**
 * The normal period after a key on one of its ends: arrows move it by a hundredth of what is shown, pages by a tenth, Home
 * and End as far as it goes; null for other keys. The ends stay a hundredth apart.
 */
export function movedEnd(span, end, key, view) {
  const small = (view.end_at - view.start_at) / 100;
  const steps = { ArrowLeft: -small, ArrowDown: -small, ArrowRight: small, ArrowUp: small, PageDown: -10 * small, PageUp: 10 * small, Home: -Infinity, End: Infinity };
  if (!(key in steps)) return null;
  return placedEnd(span, end, span[end] + steps[key], view);
}

/** The normal period with one end somewhere else, held inside of what is shown and before or behind the other end. */
export function placedEnd(span, end, at, view) {
  const apart = (view.end_at - view.start_at) / 100;
  const low = end === "start_at" ? view.start_at : span.start_at + apart;
  const high = end === "start_at" ? span.end_at - apart : view.end_at;
  return { ...span, [end]: Math.round(Math.min(high, Math.max(low, at))) };
}

/** Troubles as the times that are left out, cut to the normal period; those in `kept` are learned from. */
export function excludedOf(troubles, kept, span) {
  return troubles
    .filter((each) => !kept.has(each.id) && each.end_at > span.start_at && each.start_at < span.end_at)
    .map(({ start_at, end_at }) => ({ start_at: Math.max(start_at, span.start_at), end_at: Math.min(end_at, span.end_at) }));
}

/** Signals of a machine with the names that another model looks at: how one model is a template for the next. */
export function likeTemplate(signals, names) {
  const wanted = new Set(names);
  return new Set(signals.filter((signal) => wanted.has(signal.name)).map((signal) => signal.signal_id));
}

/** Marks of an axis of scores: {at: log score, times: of the threshold} inside low…high. */
export function scoreTicks(low, high) {
  const all = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000];
  return all.map((times) => ({ at: Math.log(times), times })).filter(({ at }) => at >= low && at <= high);
}

/** How high a replay is drawn: its scores and every place of the threshold, with some air. */
export function scoreRange(trace, points) {
  const known = [...trace.filter((score) => score !== null), ...points.map((point) => point.shift)];
  const low = Math.max(Math.log(0.01), Math.min(...known));
  const high = Math.min(Math.log(1000), Math.max(...known));
  const air = Math.max(0.1, (high - low) * 0.06);
  return { low: low - air, high: high + air };
}

/** Place of the threshold in force on the slider. */
export const inForce = (points) => points.reduce((best, point, place) => (Math.abs(point.shift) < Math.abs(points[best].shift) ? place : best), 0);

const ACTS = {
  candidate: ["shadow", "retire"],
  shadow: ["promote", "retire"],
  champion: ["roll_back", "retire"],
  retired: ["shadow"],
};

/** What can be decided about a version now; `why` says what is missing for one that is shown but cannot be pressed. */
export function actsOf(version, versions) {
  return ACTS[version.state].flatMap((act) => {
    if (act === "promote") return [{ act, why: version.backtest ? "" : "backtest" }];
    if (act !== "roll_back") return [{ act, why: "" }];
    const before = versions.some((each) => each.id !== version.id && each.state === "retired" && each.champion_at !== null && each.champion_at < version.champion_at);
    return before ? [{ act, why: "" }] : [];
  });
}

/** A job that still runs or waits. */
export const isUnderWay = (job) => job.state === "waiting" || job.state === "running";
