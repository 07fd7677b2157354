/* The shades of the heatmap: annunciations an hour, for each hour of the week. */
import { language } from "./messages.js";

const LEVELS = 5;
const A_MONDAY_MS = Date.UTC(2026, 10, 16);

/** {rates, most, worst}: annunciations for each watched hour, null where nothing was watched; the largest, and where it is. */
export function ratesOf({ counts, watched_h }) {
  let most = 0;
  let worst = null;
  const rates = counts.map((row, day) => row.map((count, hour) => {
    const watched = watched_h[day][hour];
    // Of a sliver of an hour no rate is told: one alarm in a minute is not sixty an hour.
    const rate = watched > 0 ? count / Math.max(watched, 1) : null;
    if (rate > most) {
      most = rate;
      worst = { day, hour };
    }
    return rate;
  }));
  return { rates, most, worst };
}

/** 0 for none, 1 to 5 for what there is against the largest; null where nothing was watched. */
export function levelOf(rate, most) {
  if (rate === null) return null;
  return rate > 0 ? Math.max(1, Math.ceil((rate / most) * LEVELS)) : 0;
}

/** "Mon" or "Monday" of 0. */
export const weekdayName = (day, how) => new Intl.DateTimeFormat(language() === "en" ? "en-GB" : language(), { weekday: how, timeZone: "UTC" }).format(A_MONDAY_MS + day * 86_400_000);
