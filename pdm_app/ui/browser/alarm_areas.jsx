/* Where the alarms stand: a bar for each area, by priority. Pressing one keeps the list to that area and to what is critical. */
import { useMemo } from "react";
import { isOwn } from "./alarms.js";
import { areasOf } from "./alarm_places.js";
import { t } from "./messages.js";
import { PriorityShape } from "./priority_shape.jsx";

/** `chosen` is the key of an area or null; nothing is drawn where all alarms stand in one area. */
export function AlarmAreas({ alarms, places, chosen, choose }) {
  const areas = useMemo(() => areasOf(alarms, (alarm) => place(places, alarm)), [alarms, places]);
  if (areas.length < 2 && chosen === null) return null;
  const most = Math.max(1, ...areas.map(({ count }) => count));
  return (
    <div className="alarm-areas" role="group" aria-label={t("alarms.areas")}>
      {areas.map(({ key, name, count, byPriority }) => (
        <button key={key} type="button" className="alarm-area" aria-pressed={chosen === key} onClick={() => choose(chosen === key ? null : key)}>
          <span className="alarm-area-name">{name}</span>
          <span className="alarm-area-counts">
            {byPriority.map(([priority, many]) => (
              <span key={priority} className="strip-count"><PriorityShape priority={priority} state="acked" size={14} label={t("strip.count", { count: many, priority, state: "acked" })} /><span aria-hidden="true">{many}</span></span>
            ))}
          </span>
          <span className="alarm-area-bar" aria-hidden="true">
            {byPriority.map(([priority, many]) => <span key={priority} className="priority" data-priority={priority} style={{ width: `${(many / most) * 100}%` }} />)}
          </span>
        </button>
      ))}
      {chosen !== null && <p className="caption alarm-areas-note" role="status">{t("alarms.area_chosen")}</p>}
    </div>
  );
}

/** {key, name} of where an alarm stands, as `areasOf` wants it. */
export function place(places, alarm) {
  const found = places.get(alarm.asset_id);
  if (found?.area) return { key: found.area.id, name: found.area.name };
  return isOwn(alarm) ? { key: "system", name: t("alarms.area_system") } : { key: "", name: t("alarms.area_unknown") };
}
