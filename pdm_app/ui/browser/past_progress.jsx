/* How far the month behind the demo plant is stored; nothing once it is complete. */
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
  const isDone = answer?.is_done ?? true;
  useEffect(() => {
    if (isDone) return undefined;
    const timer = setInterval(() => asking.current(), EVERY_MS);
    return () => clearInterval(timer);
  }, [isDone]);
  if (isDone) return null;
  const { pieces, pieces_done: stored, back_to: backTo, trouble } = answer;
  return (
    <div className="past-progress" role="status">
      <label>
        <span>{trouble || (backTo === null ? t("past.begins") : t("past.back_to", { at: moment(backTo, now, zone) }))}</span>
        <progress max={pieces} value={stored} />
      </label>
    </div>
  );
});
