/* The page's one board of alarms, as React hooks. */
import { useEffect, useMemo, useRef } from "react";
import { AlarmBoard, byUrgency } from "./alarm_board.js";
import { isFlood } from "./alarm_flood.js";
import { useNow } from "./hooks.js";
import { link } from "./link.js";
import { useStore } from "./use_store.js";

export { byUrgency, isLatched, isSilent, needsAcknowledging, SHAPE_OF_STATE } from "./alarm_board.js";

export const board = new AlarmBoard(link);

/** Where the page of an alarm's machine is; what the product says of itself stands on the page about the system. */
export const isOwn = (alarm) => alarm.asset_id === "system";
export const pageOf = (assetId) => (assetId === "system" ? "/settings/about" : `/asset/${assetId}`);

/** What judged it: "model" by a score that a model publishes, "system" of the product itself, else "rule". */
export const sourceOf = (alarm) => (isOwn(alarm) ? "system" : alarm.kind === "score" ? "model" : "rule");

const ordered = new WeakMap(); // Sorted once for all widgets of the page.

function inOrder(alarms) {
  if (!ordered.has(alarms)) ordered.set(alarms, [...alarms.values()].sort(byUrgency));
  return ordered.get(alarms);
}

/** Standing alarms of a site, or of all for an empty id, most urgent first: {alarms, loaded, error}. */
export function useAlarms(siteId = "") {
  useEffect(() => board.watch(), []);
  const { alarms, loaded, error } = useStore(board.store);
  const sorted = useMemo(
    () => (siteId ? inOrder(alarms).filter((alarm) => alarm.site_id === siteId) : inOrder(alarms)),
    [alarms, siteId],
  );
  return { alarms: sorted, loaded, error };
}

/** Whether a flood of alarms runs. */
export function useFlood(alarms) {
  const before = useRef(false);
  const now = useNow();
  if (now !== null) before.current = isFlood(alarms, now, before.current);
  return before.current;
}

/** The most urgent alarm of some machines, and how many stand: {worst, count, loaded}. */
export function useWorst(assetIds) {
  const { alarms, loaded } = useAlarms();
  const key = assetIds.join(" ");
  return useMemo(() => {
    const wanted = new Set(key.split(" "));
    const mine = alarms.filter((alarm) => wanted.has(alarm.asset_id));
    return { worst: mine[0] ?? null, count: mine.length, loaded };
  }, [alarms, key, loaded]);
}
