/* How far the month behind the demo plant is stored, its alarms found and its shifts rated; nothing once all is done. */
import { useEffect, useRef } from "react";
import { moment } from "./format.js";
import { guarded } from "./guard.jsx";
import { useNow, useQuery, useZone } from "./hooks.js";
import { t } from "./messages.js";

const EVERY_MS = 2_000;

export const PastProgress = guarded(function PastProgress() {
  const { answer, again } = useQuery("demo.progress");
  const zone = useZone();
  const now = useNow();
  const asking = useRef(again);
  asking.current = again;
  const isDone = !answer || (answer.is_done && answer.judged === 1 && answer.shifts_owed === 0);
  const most = useRef(0); // Of shifts that were owed: where the bar of these begins.
  most.current = Math.max(most.current, answer?.shifts_owed ?? 0);
  useEffect(() => {
    if (isDone) return undefined;
    const timer = setInterval(() => asking.current(), EVERY_MS);
    return () => clearInterval(timer);
  }, [isDone]);
  if (isDone) return null;
  const [words, max, value] = step(answer, most.current, (at) => moment(at, now, zone));
  return (
    <div className="past-progress" role="status">
      <label>
        <span>{words}</span>
        <progress max={max} value={value} />
      </label>
    </div>
  );
});

/** What is under way: the samples come first, then the alarms among them, then the shifts that are left. */
function step({ pieces, pieces_done: stored, back_to: backTo, trouble, is_done: isStored, judged, shifts_owed: owed }, most, told) {
  if (!isStored) return [trouble || (backTo === null ? t("past.begins") : t("past.back_to", { at: told(backTo) })), pieces, stored];
  if (judged < 1) return [t("past.judging", { percent: Math.round(100 * judged) }), 1, judged];
  return [t("past.rating", { count: owed }), most, most - owed];
}
