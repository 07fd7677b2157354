/* The columns that a trend draws, made from an envelope and the live tail. */

/**
 * Columns [at_s, low, high, mean] of an envelope with its gaps as nulls. Buckets that are absent are gaps like those
 * without a good sample: a line is never drawn across what nobody measured.
 */
export function columnsOf(series) {
  const columns = [[], [], [], []];
  const apart = gapOf(series);
  let before = null;
  series.at.forEach((at, index) => {
    if (before !== null && at - before > apart) push(columns, before + 1, null, null, null);
    push(columns, at, series.low[index], series.high[index], series.mean[index]);
    before = at;
  });
  return columns;
}

/** Distance in microseconds from which two points are not joined: 2.5 buckets, or 5 usual steps of raw points. */
export function gapOf(series) {
  if (series.bucket_us) return series.bucket_us * 2.5;
  const steps = series.at.slice(1).map((at, index) => at - series.at[index]).sort((a, b) => a - b);
  return Math.max(5 * (steps[Math.trunc(steps.length / 2)] ?? 0), 5e6);
}

/** Add a live sample; false if it is not newer than what is there. `value` null is a gap. */
export function append(columns, at, value, apart) {
  const [times] = columns;
  const last = times.length ? times[times.length - 1] * 1e6 : -Infinity;
  if (at <= last + 1) return false;
  if (at - last > apart && times.length) push(columns, last + 1, null, null, null);
  push(columns, at, value, value, value);
  return true;
}

function push(columns, at, low, high, mean) {
  columns[0].push(at / 1e6);
  columns[1].push(low);
  columns[2].push(high);
  columns[3].push(mean);
}

/**
 * Intervals {id, from, to, priority, name, state} of alarms from journal entries and the alarms that stand. One that was
 * raised before the entries begin, at `begin`, is there from then on.
 */
export function alarmIntervals(entries, standing, end, begin = null) {
  const intervals = new Map(); // alarm id → list, newest last
  for (const entry of [...entries].sort((a, b) => a.at - b.at)) {
    const list = intervals.get(entry.alarm_id) ?? [];
    intervals.set(entry.alarm_id, list);
    const open = list[list.length - 1];
    if (entry.kind === "raised") {
      list.push({ id: entry.id, from: entry.at, to: null, priority: entry.priority, name: entry.name, state: "acked" });
    } else if ((entry.kind === "returned" || entry.kind === "cleared") && open && open.to === null) {
      open.to = entry.at;
    } else if (begin !== null && !list.length) {
      list.push({ id: entry.id, from: begin, to: entry.at, priority: entry.priority, name: entry.name, state: "acked" });
    }
  }
  for (const alarm of standing) {
    const list = intervals.get(alarm.id) ?? [];
    if (!list.length) list.push({ id: alarm.id, from: alarm.raised_at, to: alarm.returned_at, priority: alarm.priority, name: alarm.name });
    const newest = list[list.length - 1];
    newest.state = alarm.state === "B" ? "unacked" : alarm.state === "D" ? "returned" : "acked";
    if (alarm.state === "D") newest.to ??= alarm.returned_at;
    newest.stands = alarm.state !== "D";
    intervals.set(alarm.id, list);
  }
  return [...intervals.values()].flat().map((interval) => ({ ...interval, to: interval.to ?? end })).sort((a, b) => a.from - b.from);
}
