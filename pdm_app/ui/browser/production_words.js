/* How production is said: ratios, losses, states and reasons. */
import { MISSING, number } from "./format.js";
import { language, t } from "./messages.js";

/** With the half second for which the server keeps an answer, live figures are two seconds old at most. */
export const LIVE_EVERY_MS = 1_500;
/** Of so many rounds of figures one asks for lists and states as well, which are larger. */
export const ROUNDS_PER_LIST = 4;

export const percent = (ratio) => (ratio === null || ratio === undefined ? MISSING : `${number(ratio * 100, 1)} %`);
export const minutes = (seconds) => number(seconds / 60, 1);
export const lossName = (loss) => t("production.loss", { loss });
export const stateName = (state) => t("production.state", { state });

/** What a reason or a rule says that time is; "stopped, no reason" would be wrong of what has one. */
export const kindOfTime = (state) => (state === "idle" ? t("production.other_stop") : stateName(state));

/** The name of a reason in the reader's language; of a stop nobody has said why, what kind it is. */
export function reasonName(reason, state) {
  if (!reason?.name) return stateName(state);
  return reason.names?.[language()] ?? reason.name;
}

/** What the clock at the site showed at a moment, as a form's field for date and time holds it; empty for none. */
export function toWall(at, zone) {
  if (at === null) return "";
  const parts = Object.fromEntries(wallFormat(zone).formatToParts(new Date(at / 1_000)).map(({ type, value }) => [type, value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

/** The moment at which the clock at the site shows what a form's field holds; null for nothing. */
export function fromWall(written, zone) {
  if (!written) return null;
  const asUtc = Date.parse(`${written}Z`);
  const shown = (ms) => Date.parse(`${toWall(ms * 1_000, zone)}Z`);
  const once = asUtc - (shown(asUtc) - asUtc);
  return (once - (shown(once) - asUtc)) * 1_000; // Again, where the clocks change in between.
}

const wallFormat = (zone) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
