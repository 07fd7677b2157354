/* Short histories for sparklines: widgets that ask in one moment for one span are answered by one query. */
import { useEffect, useState } from "react";
import { link } from "./link.js";
import { live } from "./live.js";
import { measure, measured } from "./units_shown.js";

const SIGNALS_MAX = 50; // per query, as the server has it
const GATHER_MS = 40;
const SPAN_MIN_S = 120; // A plant that has just started fills its sparklines at once instead of showing a dot for an hour.
const REFRESH_MS = 300_000; // The live tail fills the time between; a refresh brings late data and drops what it lacks.

const waiting = new Map(); // "span|buckets" → Map of signal id → [{resolve, reject}]

/** Envelope of one signal over the last `spanS` seconds. */
function recent(signalId, spanS, buckets) {
  const key = `${spanS}|${buckets}`;
  if (!waiting.has(key)) {
    waiting.set(key, new Map());
    setTimeout(() => {
      const asked = waiting.get(key);
      waiting.delete(key);
      const ids = [...asked.keys()];
      for (let start = 0; start < ids.length; start += SIGNALS_MAX) {
        ask(ids.slice(start, start + SIGNALS_MAX), asked, spanS, buckets);
      }
    }, GATHER_MS);
  }
  return new Promise((resolve, reject) => {
    const asked = waiting.get(key);
    asked.set(signalId, [...(asked.get(signalId) ?? []), { resolve, reject }]);
  });
}

async function ask(ids, asked, spanS, buckets) {
  const end_at = link().clock.now();
  const settle = (id, how, what) => asked.get(id).forEach((waiter) => waiter[how](what));
  try {
    const answer = await link().query("history.envelope", {
      signals: ids, start_at: Math.round(end_at - spanS * 1e6), end_at, buckets,
    });
    for (const series of answer.series) settle(series.signal, "resolve", series);
  } catch (error) {
    for (const id of ids) settle(id, "reject", error);
  }
}

/**
 * Points in the reader's units of the last `spanS` seconds, or of what there is of them, with the live tail: {points: [[at, value|null], …],
 * from, to, error}. Redrawn as often as a pixel's worth of time has gone by, not more; a gap in the data is a null.
 */
export function useRecent(signal, spanS = 3600, buckets = 90) {
  const [state, setState] = useState({ points: null, error: null });
  const id = signal?.id;
  useEffect(() => {
    if (!id) return undefined;
    let points = [];
    let ended = false;
    let drawnAt = 0;
    const stepUs = (spanS * 1e6) / buckets;
    const show = () => {
      drawnAt = performance.now();
      const to = link().clock.now();
      const oldest = points.find(([, value]) => value !== null)?.[0] ?? 0;
      const from = Math.max(to - spanS * 1e6, Math.min(oldest, to - SPAN_MIN_S * 1e6));
      const first = points.findIndex(([at]) => at >= from - stepUs);
      points = first > 0 ? points.slice(first) : points;
      setState({ points: [...points], from, to, error: null });
    };
    const load = () => recent(id, spanS, buckets).then(
      (series) => {
        if (ended) return;
        points = withGaps(measured(signal, series), stepUs);
        show();
      },
      (error) => ended || setState((before) => ({ ...before, error })),
    );
    const append = () => {
      const sample = live.get(id);
      if (!sample || typeof sample.value === "string" || !points.length) return;
      const last = points[points.length - 1];
      const value = sample.quality < 200 ? measure(signal, sample.value) : null;
      if (sample.source_at - last[0] >= Math.min(stepUs, (link().clock.now() - points[0][0]) / buckets) || (value === null) !== (last[1] === null)) points.push([sample.source_at, value]);
      if (performance.now() - drawnAt > Math.min(2_000, stepUs / 1000)) show();
    };
    load();
    const leave = live.watch(id, append);
    const timer = setInterval(load, REFRESH_MS);
    return () => {
      ended = true;
      leave();
      clearInterval(timer);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- of the signal only its number and unit matter
  }, [id, signal?.unit, spanS, buckets]);
  return state;
}

/* Buckets without a sample are absent, those without a good one hold null: both are gaps. */
function withGaps(series, stepUs) {
  const points = [];
  const apart = Math.max(stepUs, series.bucket_us) * 2.5;
  series.at.forEach((at, index) => {
    const before = points[points.length - 1];
    if (before && at - before[0] > apart) points.push([before[0] + 1, null]);
    points.push([at, series.mean[index]]);
  });
  return points;
}
