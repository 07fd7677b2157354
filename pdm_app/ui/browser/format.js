/* Numbers, quantities, spans and times as people read them; the twin of pdm_app/domain/quantities.py.
   Both are held to one file of examples, tests/ui/formats.json. */
import units from "./units.json" with { type: "json" };
import { language } from "./messages.js";

export const MISSING = "–";
const MINUS = "\u2212";
const THIN_SPACE = "\u202f";
const NO_BREAK_SPACE = "\u00a0";
const FIXED_MAX = 1e9; // From here on digits no longer help a reader; the power of ten does.
const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const STEPS_S = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** Fixed decimals, spaces between thousands, a true minus sign; null, NaN and infinities are a dash. */
export function number(value, decimals = 0) {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return MISSING;
  const amount = Number(value);
  if (Math.abs(amount) >= FIXED_MAX) return scientific(amount);
  const [whole, fraction] = Math.abs(amount).toFixed(decimals).split(".");
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE) + (fraction ? `.${fraction}` : "");
  const negative = amount < 0 && /[1-9]/.test(digits); // There is no minus zero on a screen.
  return (negative ? MINUS : "") + digits;
}

function scientific(amount) {
  const [mantissa, exponent] = amount.toExponential(2).split("e");
  const power = String(Number(exponent)).replace(/./g, (digit) => SUPERSCRIPTS[digit]);
  return `${mantissa.replace("-", MINUS)}${NO_BREAK_SPACE}×${NO_BREAK_SPACE}10${power}`;
}

/** A number with its sign always shown, for differences. */
export function signed(value, decimals = 0) {
  const digits = number(value, decimals);
  return digits === MISSING || digits.startsWith(MINUS) || !/[1-9]/.test(digits) ? digits : `+${digits}`;
}

/** Decimals that a number was given with, `most` at most: a limit is written as it was set, 85 and not 85.0. */
export function decimalsOf(value, most = 4) {
  const given = String(Number(Number(value).toPrecision(12))).split(".")[1] ?? "";
  return Math.min(most, given.length);
}

/** A number with no more decimals than it was given with. */
export const exact = (value, most = 4) => number(value, decimalsOf(value, most));

/** Symbol of a UCUM code; an unknown code is shown as it is, with {annotations} taken as words. */
export function unitSymbol(code) {
  const known = units[code];
  return known ? known.symbol : String(code ?? "").replace(/\{([^{}]*)\}/g, "$1");
}

/** Name of a UCUM code in words, for tooltips and screen readers. */
export function unitName(code) {
  return units[code]?.name ?? unitSymbol(code);
}

export function quantity(value, decimals, unitCode) {
  const symbol = unitSymbol(unitCode);
  const digits = number(value, decimals);
  return symbol && digits !== MISSING ? `${digits}${NO_BREAK_SPACE}${symbol}` : digits;
}

/** A number of bytes in the unit that fits: "212 MB". */
export function size(bytes) {
  if (!Number.isFinite(bytes)) return MISSING;
  const steps = ["By", "kBy", "MBy", "GBy"];
  const step = Math.min(steps.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(bytes) || 1) / 3)));
  const amount = bytes / 1000 ** step;
  return quantity(amount, step && amount < 10 ? 1 : 0, steps[step]);
}

/** A span in its two largest units, cut down: "1 min 12 s", "2 h", "11 d 4 h". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return MISSING;
  const left = Math.max(0, Math.trunc(seconds));
  const index = STEPS_S.findIndex(([symbol, size]) => left >= size || symbol === "s");
  const [symbol, size] = STEPS_S[index];
  const large = `${number(Math.trunc(left / size))}${NO_BREAK_SPACE}${symbol}`;
  if (symbol === "s") return large;
  const [smallSymbol, smallSize] = STEPS_S[index + 1];
  const small = Math.trunc((left % size) / smallSize);
  return small ? `${large} ${small}${NO_BREAK_SPACE}${smallSymbol}` : large;
}

/** A span in its largest unit alone: "1 min", "11 d". */
export const briefDuration = (seconds) => duration(seconds).split(" ")[0];

/** A running time for tables: "00:12", "38:10", "1:02:41". */
export function timer(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return MISSING;
  const left = Math.max(0, Math.trunc(seconds));
  const two = (part) => String(part).padStart(2, "0");
  const hours = Math.trunc(left / 3600);
  const rest = `${two(Math.trunc(left / 60) % 60)}:${two(left % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

// --- times; microseconds UTC in, the site's clock out -----------------------------------------------------------

const formatters = new Map();

function formatter(zone, options) {
  const key = `${language()}|${zone}|${JSON.stringify(options)}`;
  if (!formatters.has(key)) {
    const locale = language() === "en" ? "en-GB" : language();
    formatters.set(key, new Intl.DateTimeFormat(locale, { ...options, timeZone: zone || "UTC", hourCycle: "h23" }));
  }
  return formatters.get(key);
}

function say(at, zone, options) {
  if (at === null || at === undefined || !Number.isFinite(at)) return MISSING;
  return formatter(zone, options).format(at / 1000);
}

/** "10:42:18" */
export const clock = (at, zone) => say(at, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** "10:42" */
export const hourMinute = (at, zone) => say(at, zone, { hour: "2-digit", minute: "2-digit" });

/** "20 Nov" */
export const day = (at, zone) => say(at, zone, { day: "numeric", month: "short" });

/** "Fri 20 Nov" */
export const weekday = (at, zone) =>
  say(at, zone, { weekday: "short", day: "numeric", month: "short" }).replace(",", "");

/** The time alone on the day of `now`, else the day before it: "10:41:06", "14 Nov 03:12:09". */
export function moment(at, now, zone) {
  if (at === null || at === undefined || !Number.isFinite(at)) return MISSING;
  return day(at, zone) === day(now, zone) ? clock(at, zone) : `${day(at, zone)} ${clock(at, zone)}`;
}

/** Abbreviation of a zone at a time, in words where one of the English locales knows it: "CET", "IST", "GMT+3". */
export function zoneName(zone, at) {
  const candidates = ["en-GB", "en-US", "en-IN", "en-AU"].map((locale) => {
    const parts = new Intl.DateTimeFormat(locale, { timeZone: zone || "UTC", timeZoneName: "short" }).formatToParts(at / 1000);
    return parts.find((part) => part.type === "timeZoneName").value;
  });
  return candidates.find((name) => !/^(GMT|UTC)[+-]/.test(name)) ?? candidates[0];
}
