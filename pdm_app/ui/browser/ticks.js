/* Where an axis has its marks. */

/** Round values that enclose low…high in about `count` steps of 1, 2, 2.5 or 5 times a power of ten. */
export function niceTicks(low, high, count) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) * power;
  const first = Math.floor(low / step + 1e-9) * step;
  const ticks = [];
  for (let tick = first; ; tick += step) {
    ticks.push(Number(tick.toPrecision(12)));
    if (tick >= high - step * 1e-6) return ticks;
  }
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600];

/** Times inside start…end, microseconds UTC, on round steps of which at most `count` fit; `offset_us` is the zone's. */
export function timeTicks(start, end, count, offset_us = 0) {
  const step = (STEPS_S.find((seconds) => (end - start) / (seconds * 1e6) <= count) ?? STEPS_S[STEPS_S.length - 1]) * 1e6;
  const ticks = [];
  for (let tick = Math.ceil((start + offset_us) / step) * step - offset_us; tick <= end; tick += step) ticks.push(tick);
  return ticks;
}
