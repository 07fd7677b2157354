/* The one scale that a signal's bar and its sparkline share, so that the line runs into the pointer. */

/**
 * Bounds {low, high} that hold the sensor's range if it is known, else the normal band, the limits and the value with
 * some air. `limits` are numbers in the unit of the signal.
 */
export function scaleOf(signal, limits = [], values = []) {
  if (signal.range_low != null && signal.range_high != null) return { low: signal.range_low, high: signal.range_high };
  const known = [signal.range_low, signal.range_high, signal.normal_low, signal.normal_high, ...limits, ...values]
    .filter((number) => number !== null && number !== undefined && Number.isFinite(number));
  if (!known.length) return { low: 0, high: 1 };
  const low = Math.min(...known);
  const high = Math.max(...known);
  const air = (high - low) * 0.15 || Math.abs(high) * 0.1 || 1;
  return { low: signal.range_low ?? low - air, high: signal.range_high ?? high + air };
}

/**
 * A window of the scale that shows movement: a compressor's 7 bar moves by 0.1 in a range of 0 to 16. It holds the
 * normal band, the limits beside it and what has been measured. Without a band noise could fill it, so it is never less
 * than a twentieth of the full scale then.
 */
export function windowOf(signal, limits, values) {
  const full = scaleOf(signal, limits, values);
  const wanted = [signal.normal_low, signal.normal_high, ...limits, ...values]
    .filter((number) => number !== null && number !== undefined && Number.isFinite(number));
  if (wanted.length < 2) return full;
  let low = Math.min(...wanted);
  let high = Math.max(...wanted);
  const banded = signal.normal_low != null && signal.normal_high != null;
  const span = Math.max(high - low, banded ? 0 : (full.high - full.low) / 20) || 1;
  const middle = (low + high) / 2;
  low = middle - span * 0.66;
  high = middle + span * 0.66;
  return { low: Math.max(low, Math.min(full.low, ...wanted)), high: Math.min(high, Math.max(full.high, ...wanted)) };
}

/** Pixel of a value on a scale drawn upwards over `height`, held inside. */
export function pixel(value, { low, high }, height) {
  const share = (value - low) / (high - low || 1);
  return height - Math.min(1, Math.max(0, share)) * height;
}
