/* Alarms by the area they stand in. */

const CRITICAL = 1;

/** [{key, name, count, byPriority: [[priority, count]]}]: areas with the most urgent alarms first; `placeOf` gives {key, name}. */
export function areasOf(alarms, placeOf) {
  const areas = new Map();
  for (const alarm of alarms) {
    const { key, name } = placeOf(alarm);
    if (!areas.has(key)) areas.set(key, { key, name, count: 0, counts: [0, 0, 0, 0] });
    const area = areas.get(key);
    area.count += 1;
    area.counts[alarm.priority - 1] += 1;
  }
  const found = [...areas.values()].map(({ counts, ...area }) => ({ ...area, byPriority: counts.map((count, index) => [index + 1, count]).filter(([, count]) => count) }));
  return found.sort((a, b) => a.byPriority[0][0] - b.byPriority[0][0] || b.count - a.count || a.name.localeCompare(b.name));
}

/** The alarms of one area, and the critical ones of all; every alarm for null. */
export function ofArea(alarms, chosen, placeOf) {
  return chosen === null ? alarms : alarms.filter((alarm) => alarm.priority === CRITICAL || placeOf(alarm).key === chosen);
}
