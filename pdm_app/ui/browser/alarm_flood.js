/* A flood of alarms: more than ten raised in ten minutes, until fewer than five are. Then they are read by their cause. */
import { t } from "./messages.js";

const TEN_MINUTES_US = 600e6;
const FROM = 10;
const TO = 5;

/** Whether a flood runs, given that it did or did not before. */
export function isFlood(alarms, now, before) {
  const fresh = alarms.filter((alarm) => alarm.raised_at > now - TEN_MINUTES_US).length;
  return before ? fresh >= TO : fresh > FROM;
}

/** [[head, alarms]]: the critical ones first and together, the others by first-out group or place, first raised first. */
export function floodGroups(alarms, placeOf) {
  const critical = alarms.filter((alarm) => alarm.priority === 1);
  const groups = new Map();
  for (const alarm of alarms) {
    if (alarm.priority === 1) continue;
    const head = alarm.group || placeOf(alarm);
    if (!groups.has(head)) groups.set(head, []);
    groups.get(head).push(alarm);
  }
  const byCause = [...groups].map(([head, members]) => [head, members.sort((a, b) => a.raised_at - b.raised_at)]);
  byCause.sort(([, a], [, b]) => a[0].raised_at - b[0].raised_at);
  return [[t("alarms.critical"), critical], ...byCause];
}
