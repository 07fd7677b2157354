/* What the workspace knows of its series: columns of the period, of an earlier one beside it, and what it took. */
import { useCallback, useEffect, useRef, useState } from "react";
import { link } from "./link.js";
import { boundsOf } from "./trend_period.js";
import { columnsOf } from "./trend_series.js";
import { measure, isTurned } from "./units_shown.js";
import { askedFor } from "./workspace_span.js";
import { keyOf } from "./workspace_state.js";

const SETTLE_MS = 150; // A gesture is over when it has rested this long; only then the server is asked.
const FOLLOW_MS_MIN = 2_000;
const FOLLOW_STEPS = 400; // A live workspace is read anew when it has moved on by this part of its span.

/** Records of the signals in a list, by number: {records, missing}. */
export function useRecords(list) {
  const [records, setRecords] = useState(new Map());
  const [missing, setMissing] = useState(new Map());
  const asked = useRef(new Set());
  const wanted = list.filter((series) => series.signal).map((series) => series.signal).join(",");
  useEffect(() => {
    for (const number of wanted.split(",").filter(Boolean).map(Number)) {
      if (asked.current.has(number)) continue;
      asked.current.add(number);
      link().query("signals.by_id", { signal_id: number }).then(
        (record) => setRecords((before) => new Map(before).set(number, record)),
        (error) => setMissing((before) => new Map(before).set(number, error)),
      );
    }
  }, [wanted]);
  return { records, missing };
}

async function signalsOf(list, from, to, buckets, signal) {
  const numbers = list.filter((series) => series.signal).map((series) => series.signal);
  if (!numbers.length) return { found: new Map(), answer: null };
  const answer = await link().query("history.envelope", { signals: numbers, start_at: from, end_at: to, buckets }, { signal });
  return { found: new Map(answer.series.map((series) => [String(series.signal), { columns: columnsOf(series), tier: series.tier, bucket_us: series.bucket_us }])), answer };
}

async function expressionOf({ formula }, home, from, to, buckets, signal) {
  const answer = await link().query("formulas.evaluate", { formula, asset_id: home, start_at: from, end_at: to, buckets }, { signal });
  const series = { ...answer, mean: answer.last };
  return { columns: columnsOf(series), unit: answer.unit, isStep: answer.is_step, bucket_us: answer.bucket_us, read: answer.samples_read };
}

/* Each series by its key; an expression that fails says so in its own place. */
async function read(list, home, from, to, buckets, signal) {
  const expressions = list.filter((series) => series.formula);
  const [{ found, answer }, ...outcomes] = await Promise.all([
    signalsOf(list, from, to, buckets, signal),
    ...expressions.map((series) => expressionOf(series, home, from, to, buckets, signal).catch((error) => ({ error }))),
  ]);
  if (signal.aborted) throw new DOMException("", "AbortError");
  expressions.forEach((series, place) => found.set(keyOf(series), outcomes[place]));
  const points_read = (answer?.points_read ?? 0) + outcomes.reduce((sum, outcome) => sum + (outcome.read ?? 0), 0);
  return { found, points_read, gaps: answer?.notes ?? [] };
}

/** {found, earlier, error, loading, version, settled, took_ms, points_read, gaps, width, again}; nothing is asked for an empty `list`. */
export function useWorkspaceData(list, home, period, earlier_s) {
  const [state, setState] = useState({ found: new Map(), earlier: new Map(), error: null, loading: true, version: 0, settled: null, took_ms: 0, points_read: 0, gaps: [] });
  const [round, setRound] = useState(0);
  const width = useRef(1000);
  const keys = list.filter((series) => series.formula || series.signal).map(keyOf).join("\n");
  const key = period.live ? `live ${period.span_us}` : `${period.from} ${period.to}`;
  useEffect(() => {
    if (!keys) {
      setState((before) => ({ ...before, found: new Map(), gaps: [], loading: false, error: null, version: before.version + 1 }));
      return undefined;
    }
    const abort = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    const timer = setTimeout(async () => {
      const now = link().clock.now();
      const { from, to } = boundsOf(period, now);
      const settled = { from: Math.max(0, Math.round(from)), to: Math.max(Math.round(Math.min(to, now)), Math.round(from) + 1) };
      const asked = askedFor({ from, to, isLive: period.live, width: width.current, now });
      const began = performance.now();
      try {
        const shift = earlier_s * 1e6;
        const [mine, before] = await Promise.all([
          read(list, home, asked.from, asked.to, asked.buckets, abort.signal),
          shift ? read(list, home, Math.max(0, asked.from - shift), Math.max(1, asked.to - shift), asked.buckets, abort.signal) : { found: new Map() },
        ]);
        const earlier = new Map([...before.found].filter(([, one]) => one.columns).map(([each, one]) => [each, shifted(one.columns, earlier_s)]));
        setState((last) => ({ found: mine.found, earlier, error: null, loading: false, version: last.version + 1, settled, took_ms: performance.now() - began, points_read: mine.points_read, gaps: mine.gaps }));
      } catch (error) {
        if (!abort.signal.aborted) setState((before) => ({ ...before, error, loading: false }));
      }
    }, SETTLE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `keys` and `key` stand for the content of list and period
  }, [keys, key, home, earlier_s, round]);
  const again = useCallback(() => setRound((count) => count + 1), []);
  useEffect(() => {
    if (!period.live || !keys) return undefined;
    const timer = setInterval(again, Math.max(FOLLOW_MS_MIN, period.span_us / 1e3 / FOLLOW_STEPS));
    return () => clearInterval(timer);
  }, [period.live, period.span_us, keys, again]);
  return { ...state, width, again };
}

/** Columns as the reader likes their unit; the same where it stays. */
export function columnsIn(record, columns) {
  if (!columns || !record || !isTurned(record)) return columns;
  const [times, ...rest] = columns;
  return [times, ...rest.map((column) => column.map((value) => (value === null || value === undefined ? value : measure(record, value))))];
}

function shifted([times, ...rest], by_s) {
  return [times.map((at) => at + by_s), ...rest];
}
