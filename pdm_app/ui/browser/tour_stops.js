/* The guided tour: its stops, where each leads, and how far somebody has come. A part that arrives later adds a stop. */

/** In the order of the story. `target` is what is pointed at; `right` is needed to find it there. */
export const STOPS = [
  { key: "plant", path: "/plant", target: ".tiles .tile" },
  { key: "alarm", path: "/alarms", target: ".page-head" },
  { key: "asset", path: "/asset/p-101a", target: ".page-head" },
  { key: "model", path: "/fleet", target: ".page-head" },
  { key: "loss", path: "/production", target: ".production", right: "history.read" },
  { key: "firmware", path: "/firmware/campaigns", target: ".card.people", right: "firmware.read" },
  { key: "report", path: "/reports", target: ".page-head", right: "reports.read" },
  { key: "break", path: "/asset/p-501", target: ".fault-form", right: "demo.control" },
];

/** What may be tried, where, and by whom, in the order of the story; the server says what was really done. */
export const DEEDS = [
  { key: "break", path: "/asset/p-501", right: "demo.control" },
  { key: "acknowledge", path: "/alarms", right: "alarms.acknowledge" },
  { key: "repair", path: "/asset/p-501", right: "demo.control" },
  { key: "reason", path: "/production/shift", right: "production.record" },
  { key: "report", path: "/reports", right: "reports.read" },
  { key: "campaign", path: "/firmware/campaigns", right: "firmware.publish" },
  { key: "derive", path: "/signals", right: "signals.configure" },
  { key: "view", path: "/trends", right: "history.read" },
];

/** The pages with which roles begin, that of the admin first. Elsewhere nothing speaks of the tour unless it is under way. */
export const HOMES = ["/plant", "/production/shift", "/cases", "/fleet", "/operations"];

export const KEY = "pdm.tour";
const STATES = new Set(["new", "on", "away", "done"]);
const FRESH = { state: "new", at: 0 };

/** The stops that somebody with these rights can see. */
export function stopsFor(rights) {
  return STOPS.filter((stop) => !stop.right || rights.includes(stop.right));
}

/** The deeds that somebody with these rights can do. */
export function deedsFor(rights) {
  return DEEDS.filter((deed) => rights.includes(deed.right));
}

/** How far somebody is, from what storage holds; what cannot be read is a fresh start. */
export function read(text, count) {
  try {
    const kept = JSON.parse(text);
    const isSound = STATES.has(kept?.state) && Number.isInteger(kept.at) && kept.at >= 0;
    return isSound ? { state: kept.state, at: Math.min(kept.at, Math.max(count - 1, 0)) } : FRESH;
  } catch {
    return FRESH;
  }
}

/** What follows from a press: start, next, back, leave, resume, again. */
export function after({ state, at }, press, count) {
  switch (press) {
    case "start":
    case "again":
      return { state: "on", at: 0 };
    case "next":
      return at + 1 < count ? { state: "on", at: at + 1 } : { state: "done", at };
    case "back":
      return { state: "on", at: Math.max(0, at - 1) };
    case "resume":
      return { state: "on", at };
    case "leave":
      return { state: "away", at };
    default:
      return { state, at };
  }
}
