/* What a trend knows: the period it shows, what the server has of it, and the samples that came since. */
import { useCallback, useEffect, useRef, useState } from "react";
import { link } from "./link.js";
import { live } from "./live.js";
import { boundsOf, following, fromQuery, SPANS_S, toQuery } from "./trend_period.js";
import { measure, measured } from "./units_shown.js";
import { append, columnsOf, gapOf } from "./trend_series.js";

const SETTLE_MS = 150; // A gesture is over when it has rested this long; only then the server is asked.
const ADDRESS_MS = 400;
const RELOAD_SHARE = 0.25; // A live trend asks again when a quarter of it has come as single points.

/* What the server knows of the period, plus the samples that came since. `version` counts every change of the columns. */
export function useTrendHistory(signal, period) {
  const [state, setState] = useState({ columns: [[], [], [], []], series: null, answer: null, error: null, loading: true, version: 0, settled: null });
  const [round, setRound] = useState(0);
  const width = useRef(1000);
  const kept = useRef(state);
  kept.current = state;
  const id = signal?.id;
  const key = period.live ? `live ${period.span_us}` : `${period.from} ${period.to}`;
  useEffect(() => {
    if (!id) return undefined;
    const abort = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    const timer = setTimeout(async () => {
      const now = link().clock.now();
      const { from, to } = boundsOf(period, now);
      const settled = { from: Math.max(0, Math.round(from)), to: Math.round(Math.min(to, now)) };
      try {
        const answer = await link().query("history.envelope", {
          signals: [id], start_at: settled.from, end_at: Math.max(settled.to, settled.from + 1), buckets: Math.max(50, Math.round(width.current)),
        }, { signal: abort.signal });
        const series = measured(signal, answer.series[0]);
        setState((before) => ({ columns: columnsOf(series), series, answer, error: null, loading: false, version: before.version + 1, settled }));
      } catch (error) {
        if (!abort.signal.aborted) setState((before) => ({ ...before, error, loading: false }));
      }
    }, SETTLE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` stands for the content of `period`
  }, [id, key, round]);

  const again = useCallback(() => setRound((count) => count + 1), []);
  useEffect(() => {
    if (!id || !period.live) return undefined;
    let tail = 0;
    const take = () => {
      const { series, columns } = kept.current;
      const sample = live.get(id);
      if (!series || !sample || typeof sample.value === "string") return;
      if (!append(columns, sample.source_at, sample.quality < 200 ? measure(signal, sample.value) : null, gapOf(series))) return;
      tail += 1;
      if (tail > RELOAD_SHARE * Math.max(200, columns[0].length)) {
        tail = 0;
        again();
      }
    };
    return live.watch(id, take);
  }, [id, period.live, period.span_us, again]);
  return { ...state, width, again };
}

/* [period, choose, fit]. The address follows what is chosen, so that a view can be shared and a reload keeps it. */
export function usePeriodInAddress(spanS) {
  const [period, fit] = useState(() => fromQuery(new URLSearchParams(location.search)) ?? following(spanS * 1e6));
  const timer = useRef(null);
  const choose = useCallback((next) => fit((before) => {
    const chosen = typeof next === "function" ? next(before) : next;
    clearTimeout(timer.current); // Browsers refuse an address that changes with every step of a gesture.
    timer.current = setTimeout(() => {
      const query = toQuery(chosen, new URLSearchParams(location.search));
      globalThis.history.replaceState(globalThis.history.state, "", `?${query}`);
    }, ADDRESS_MS);
    return chosen;
  }), []);
  useEffect(() => () => clearTimeout(timer.current), []);
  return [period, choose, fit];
}

/* A plant that has just started has no hour to show: at first, the shortest span that holds all there is. */
export function useFittingSpan(history, period, setPeriod) {
  const done = useRef(false);
  useEffect(() => {
    if (done.current || !history.settled) return;
    done.current = true;
    if (fromQuery(new URLSearchParams(location.search))) return; // Whoever shared the address meant this span.
    const index = history.columns[3].findIndex((value) => value !== null);
    if (index < 0 || !period.live) return;
    const covered_s = (history.settled.to - history.columns[0][index] * 1e6) / 1e6;
    const fitting = SPANS_S.find((seconds) => seconds >= covered_s) ?? SPANS_S[0];
    if (fitting * 1e6 < period.span_us) setPeriod(following(fitting * 1e6));
  }, [history.settled, history.columns, period, setPeriod]);
}
