/* The lane under a trend's axis: when the machine was in alarm. */
import { useMemo } from "react";
import { clock, duration } from "./format.js";
import { useAlarms } from "./alarms.js";
import { useQuery, useZone } from "./hooks.js";
import { t } from "./messages.js";
import { Go } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";
import { alarmIntervals } from "./trend_series.js";

const ENTRIES_MAX = 500;
const SHAPE_PX = 16;

/** `left` and `width` are those of the plot in pixels; `settled` is the span that was last asked for, microseconds. */
export function AlarmLane({ assetId, from, to, settled, left, width, name = "" }) {
  const zone = useZone();
  const { alarms } = useAlarms();
  const { answer } = useQuery("alarms.journal", assetId && settled ? {
    asset_id: assetId, start_at: settled.from, end_at: settled.to, limit: ENTRIES_MAX, kinds: ["raised", "returned", "cleared"],
  } : null);
  const intervals = useMemo(
    () => alarmIntervals(answer?.entries ?? [], alarms.filter((alarm) => alarm.asset_id === assetId), to, settled?.from ?? null),
    [answer, alarms, assetId, to, settled],
  );
  const x = (at) => ((at - from) / (to - from)) * width;
  const shown = intervals.filter((interval) => interval.to >= from && interval.from <= to);
  return (
    <div className="trend-lane">
      <span className="trend-lane-name">{name || t("trend.alarms")}</span>
      <div className="trend-lane-track" style={{ left, width }}>
        {shown.map((interval) => {
          const start = Math.max(0, x(interval.from));
          const end = Math.min(width, x(interval.to));
          const words = t("trend.alarm_at", {
            name: interval.name, at: clock(interval.from, zone), span: duration((interval.to - interval.from) / 1e6), stands: interval.stands ? "yes" : "no",
          });
          return (
            <Go key={interval.id} to={`/asset/${assetId}?tab=alarms`} className="trend-alarm" title={words} style={{ left: start, width: Math.max(2, end - start) }} data-priority={interval.priority}>
              <span className="trend-alarm-bar" />
              <span className="trend-alarm-shape" style={{ left: -SHAPE_PX / 2 }}><PriorityShape priority={interval.priority} state={interval.state} size={SHAPE_PX} label={words} /></span>
            </Go>
          );
        })}
      </div>
    </div>
  );
}
