/* What the forms of signals say, and how a formula's fault is shown at its place. */
import { typedNumber } from "./plant_edit.js";

const WINDOW = 56; // Characters of a formula around its fault; a phone shows so many.

const words = (form, name) => String(form.get(name) ?? "").trim();

/** What the form of a signal says of its looks; the same for measured and derived ones. */
function looksOf(form) {
  return {
    name: words(form, "name"),
    label: words(form, "label"),
    unit: words(form, "unit") || "1",
    decimals: typedNumber(form.get("decimals")) ?? 1,
    range_low: typedNumber(form.get("range_low")),
    range_high: typedNumber(form.get("range_high")),
    normal_low: typedNumber(form.get("normal_low")),
    normal_high: typedNumber(form.get("normal_high")),
  };
}

/** What the form of a derived signal says. */
export function derivedOf(form, formula) {
  return { ...looksOf(form), formula: formula.trim() };
}

/** What the form of a measured signal says; throws a SyntaxError where the address is no JSON. */
export function measuredOf(form) {
  const address = words(form, "address");
  return {
    ...looksOf(form),
    connection_id: words(form, "connection_id") || null,
    address: address === "" ? {} : JSON.parse(address),
    scale: typedNumber(form.get("scale")) ?? 1,
    offset: typedNumber(form.get("offset")) ?? 0,
    poll_every_s: typedNumber(form.get("poll_every_s")) ?? 1,
    deadband: typedNumber(form.get("deadband")) ?? 0,
    stale_after_s: typedNumber(form.get("stale_after_s")) ?? 10,
  };
}

/** The part of a formula around a column, counted from 1, and the place of the mark below it: {text, mark}. */
export function pointedAt(formula, column) {
  const line = formula.replace(/\s/g, " ");
  const place = Math.min(Math.max(0, column - 1), line.length);
  const start = Math.max(0, Math.min(place - WINDOW / 2, line.length - WINDOW));
  const cut = line.slice(start, start + WINDOW);
  const before = start > 0 ? "…" : "";
  return { text: before + cut + (start + WINDOW < line.length ? "…" : ""), mark: before.length + place - start };
}

/** Put a word into a text at the caret: {text, caret}. */
export function inserted(text, start, end, word) {
  return { text: text.slice(0, start) + word + text.slice(end), caret: start + word.length };
}

/** How a signal is written in a formula of the machine `home`. */
export function nameIn(signal, asset, home) {
  if (signal.asset_id === home) return signal.name;
  const code = asset?.code ?? "";
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(code) ? `${code}.${signal.name}` : `"${code}".${signal.name}`;
}

/** The outcome of a formula as a drawing needs it: {points: [[at, value|null], …], spans: [[at, low, high], …], values}. */
export function drawnOf(answer) {
  const points = [];
  const spans = [];
  const apart = answer.bucket_us * 1.5;
  answer.at.forEach((at, index) => {
    const before = answer.at[index - 1];
    if (apart && before !== undefined && at - before > apart) points.push([before + 1, null]);
    points.push([at, answer.last[index]]);
    if (answer.low[index] !== null && answer.high[index] > answer.low[index]) spans.push([at, answer.low[index], answer.high[index]]);
  });
  const values = [...answer.low, ...answer.high].filter((value) => value !== null);
  return { points, spans, values };
}
