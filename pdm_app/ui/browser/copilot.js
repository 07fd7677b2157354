/* What the copilot remembers of a session, and what it proposes to ask. */

export const KEY = "pdm-copilot";
export const TURNS_MAX = 20;
export const QUESTION_MAX = 300; // As the server takes them.
export const SUGGESTIONS = ["why", "next", "compare"];

/** The turns that were kept, oldest first; nothing where they cannot be read. */
export function turnsOf(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.filter((turn) => typeof turn?.text === "string" && (turn.answer || turn.problem)).slice(-TURNS_MAX) : [];
  } catch {
    return [];
  }
}

/** The turns with another one; the oldest make way. */
export const withTurn = (turns, turn) => [...turns, turn].slice(-TURNS_MAX);

/** The machine that an address is about: the page of an asset names it. */
export function assetOf(pathname) {
  const [, page, id] = pathname.split("/");
  return page === "asset" && id ? decodeURIComponent(id) : "";
}

/** Whether a key opens or closes it: Ctrl or ⌘ and a full stop. */
export const isShortcut = (event) => event.key === "." && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;

/** Every source of an answer once, in the order in which they are named first; with the number it is cited by. */
export function cited(sentences) {
  const numbers = new Map();
  for (const { sources } of sentences) for (const source of sources) {
    const key = `${source.kind} ${source.id} ${source.href}`;
    if (!numbers.has(key)) numbers.set(key, { number: numbers.size + 1, source });
  }
  return { all: [...numbers.values()], of: (source) => numbers.get(`${source.kind} ${source.id} ${source.href}`).number };
}
