/* Units as the reader likes them. Values and signals are turned where they are shown and nowhere else: what is stored,
   sent, edited and exported keeps the unit of its signal. Hooks that bring values turn them; widgets turn their signal. */
import units from "./units.json" with { type: "json" };

const DECIMALS_MAX = 6;
const BOUNDS = ["range_low", "range_high", "normal_low", "normal_high"];

let wanted = null; // Read once per page: whoever changes it gets the page anew.

function system() {
  if (wanted === null) {
    try {
      wanted = globalThis.localStorage?.getItem("pdm.units") === "us" ? "us" : "si";
    } catch {
      wanted = "si"; // Storage may be forbidden in a kiosk.
    }
  }
  return wanted;
}

/** For tests: read the preference anew. */
export function forget() {
  wanted = null;
}

const turned = new WeakMap();

/** The signal as it is shown: unit, decimals and bounds; itself where its unit stays. Doing so twice changes nothing. */
export function inUnits(signal) {
  const how = conversionOf(signal);
  if (!how || signal.unit !== nativeUnit(signal)) return signal;
  if (!turned.has(signal)) {
    const shown = { ...signal, unit: how.unit, native_unit: signal.unit, decimals: decimalsIn(signal.decimals ?? 1, how.factor) };
    for (const bound of BOUNDS) if (signal[bound] != null) shown[bound] = rounded(signal[bound] * how.factor + how.offset, shown.decimals);
    turned.set(signal, shown);
  }
  return turned.get(signal);
}

/** A value of a signal, or a limit of it, as it is shown; what is no number stays. */
export function measure(signal, value) {
  const how = conversionOf(signal);
  return how && typeof value === "number" ? value * how.factor + how.offset : value;
}

/** A number as it is shown, back in the unit that is kept; the inverse of `measure`. */
export function unmeasured(signal, value) {
  const how = conversionOf(signal);
  return how && typeof value === "number" ? (value - how.offset) / how.factor : value;
}

/** A limit of a signal as it is shown: with as many decimals as its values, 418 gal/min and not 418.2724. */
export function limitIn(signal, limit) {
  const shown = measure(signal, limit);
  return shown === limit ? limit : rounded(shown, inUnits(signal).decimals);
}

const rounded = (value, decimals) => Number(value.toFixed(decimals));

/** An envelope as it is shown. */
export function measured(signal, series) {
  if (!conversionOf(signal)) return series;
  const turn = (column) => column?.map((value) => measure(signal, value));
  return { ...series, low: turn(series.low), high: turn(series.high), mean: turn(series.mean), last: turn(series.last) };
}

/** Whether values of this signal are shown in another unit than they are kept in. */
export const isTurned = (signal) => conversionOf(signal) !== null;

export function nativeUnit(signal) {
  return signal?.native_unit ?? signal?.unit;
}

function conversionOf(signal) {
  return (system() === "us" && units[nativeUnit(signal)]?.us) || null;
}

/** As many decimals as say what the native ones said: a pressure of 3.68 bar is 53.4 psi, a gap of 0.1 mm is 0.004 in. */
function decimalsIn(decimals, factor) {
  return Math.min(DECIMALS_MAX, Math.max(0, decimals - Math.round(Math.log10(factor))));
}
