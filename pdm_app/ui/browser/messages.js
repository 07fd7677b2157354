/* Every word on screen: one catalogue per language, ICU placeholders, chosen at run time. */
import en from "../messages/en.json" with { type: "json" };
import { compile } from "./icu.js";

/* A further language is one file beside en.json and one entry here; what it lacks is said in English. */
const CATALOGUES = { en };
const FALLBACK = "en";

const compiled = new Map();

/** Language in force: the user's choice, else the browser's, else English. */
export function language() {
  const wanted = [stored(), globalThis.document?.documentElement.lang, ...(globalThis.navigator?.languages ?? [])];
  for (const tag of wanted) {
    const short = (tag ?? "").toLowerCase().split("-")[0];
    if (CATALOGUES[short]) return short;
  }
  return FALLBACK;
}

function stored() {
  try {
    return globalThis.localStorage?.getItem("pdm.language");
  } catch {
    return null; // Storage may be forbidden in a kiosk.
  }
}

/** Say the message of `key` in the language in force, its placeholders filled from `params`. */
export function t(key, params = {}) {
  const tongue = language();
  const [spoken, source] = CATALOGUES[tongue][key] !== undefined
    ? [tongue, CATALOGUES[tongue][key]]
    : [FALLBACK, CATALOGUES[FALLBACK][key]];
  if (source === undefined) {
    console.error(`No message has the key "${key}". Add it to en.json.`);
    return key;
  }
  const id = `${spoken}|${key}`;
  if (!compiled.has(id)) compiled.set(id, compile(source, spoken));
  return compiled.get(id)(params);
}

/** Whether the catalogue knows the key; for words that arrive from the server as codes. */
export function has(key) {
  return CATALOGUES[FALLBACK][key] !== undefined;
}
