/* Settings as a page edits them: what is drafted, what it means, and how a setting is found. No screen needed. */

/** Settings that stand under the same heading: [{section, views}]; headings with something to set come first. */
export function sections(views) {
  const found = new Map();
  for (const view of views) {
    const section = view.spec.key.split(".").slice(0, -1).join(".") || "installation";
    if (!found.has(section)) found.set(section, []);
    found.get(section).push(view);
  }
  const all = [...found].map(([section, inside]) => ({ section, views: inside }));
  const hasOpen = ({ views: inside }) => inside.some((view) => view.spec.effect !== "outside");
  return [...all.filter(hasOpen), ...all.filter((one) => !hasOpen(one))];
}

/** Whether a setting is meant by every word that was typed: in its key, what it does, its choices or its variable. */
export function isMeant(view, words) {
  const { key, description, choices } = view.spec;
  const text = [key, key.replace(/[._]/g, " "), description, view.fixed_by, ...choices].join(" ").toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export const isChanged = (view) => view.source !== "default" || view.stored !== null;

/** Whether it can be set here. */
export const isOpen = (view) => view.spec.effect !== "outside" && view.source !== "fixed";

/** What a field shows of a value. */
export function shownOf(spec, value) {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/**
 * A drafted text as a value: {value} or {fault}, one of "number", "whole", "below", "above".
 * The server checks everything once more; this says what is plainly wrong while it is typed.
 */
export function valueOf(spec, text) {
  if (spec.kind === "flag" || spec.kind === "choice" || spec.kind === "choices") return { value: text };
  if (spec.kind === "texts") return { value: text.split(/[\s,]+/).filter(Boolean) };
  if (spec.kind !== "integer" && spec.kind !== "number") return { value: text };
  const number = Number(text.trim().replace(",", "."));
  if (text.trim() === "" || !Number.isFinite(number)) return { fault: "number" };
  if (spec.kind === "integer" && !Number.isInteger(number)) return { fault: "whole" };
  const { minimum, maximum } = spec;
  if (minimum !== null && (number < minimum || (spec.is_above_minimum && number === minimum))) return { fault: "below" };
  if (maximum !== null && number > maximum) return { fault: "above" };
  return { value: number };
}

/** Whether two values are one. */
export function same(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) return one.length === other.length && one.every((part, at) => part === other[at]);
  return one === other;
}

export const RESET = Symbol("reset");

/**
 * What a draft asks for: {changes, resets, faults}. A draft holds, by key, a text or value, or RESET. What is as it was
 * is no change.
 */
export function asked(views, draft) {
  const changes = {};
  const resets = [];
  const faults = {};
  for (const view of views) {
    const key = view.spec.key;
    if (!(key in draft)) continue;
    if (draft[key] === RESET) {
      if (view.stored !== null) resets.push(key);
      continue;
    }
    const { value, fault } = valueOf(view.spec, draft[key]);
    if (fault) faults[key] = fault;
    else if (!same(value, view.stored ?? view.value)) changes[key] = value;
  }
  return { changes, resets, faults, count: Object.keys(changes).length + resets.length };
}

/** What the server says against keys, by key; paths of the wire begin with the argument they came in. */
export function faultsOf(error) {
  const found = {};
  for (const issue of error?.data?.issues ?? []) {
    const path = (issue.loc ?? []).filter((part) => part !== "changes").join(".");
    if (path) found[path] = issue.msg;
  }
  return found;
}
