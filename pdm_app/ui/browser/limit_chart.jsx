/* The last day of a signal beside the form of its rule: the limit is dragged on it, or moved by keys, and below it stands when the rule
   would have called. Everything is in the signal's own unit, as rules are edited. */
import { useEffect, useRef, useState } from "react";
import { decimalsOf, exact, hourMinute, number, quantity } from "./format.js";
import { useQuery, useZone } from "./hooks.js";
import { endsOf, nudged, rounded, valueAt } from "./limit_line.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";
import { pixel } from "./scale.js";
import { linePath, NormalBand } from "./sparkline.jsx";
import { niceTicks, timeTicks } from "./ticks.js";
import { useWidth } from "./width.js";

const SPAN_US = 86_400e6;
const HEIGHT = 260;
const LANE = 18; // Activations, under the time axis.
const LEFT = 50;
const BUCKETS = 360;
const SETTLED_MS = 500;
const DRAGGED = new Set(["high", "low", "high_high", "low_low", "score"]);

/** `condition` as the form has it, `said()` the whole rule; `onLimit` puts a limit into the form. */
export function LimitChart({ signal, condition, said, settled, onLimit }) {
  const [end_at] = useState(() => link().clock.now());
  const start_at = Math.round(end_at - SPAN_US);
  const { answer, error, again } = useQuery("history.envelope", { signals: [signal.id], start_at, end_at, buckets: BUCKETS });
  const found = useDay(said, settled);
  const [box, width] = useWidth(480);
  if (error && !answer) return <ErrorNote what={t("alarm.trend_failed")} error={error} again={again} compact />;
  return (
    <figure className="limit-chart" ref={box}>
      <figcaption><span className="strong">{signal.label}</span> <span className="caption">{t("rules.last_day")}</span></figcaption>
      {answer ? <Drawing key={signal.id} {...{ signal, condition, series: answer.series[0], found, width, start_at, end_at, onLimit }} /> : <Skeleton height={HEIGHT + LANE + 24} />}
      <p className="caption" role="status">{wordsOf(found)}</p>
      {DRAGGED.has(condition.kind) && <p className="caption">{t("rules.drag_hint")}</p>}
    </figure>
  );
}

function wordsOf({ done, runs, error }) {
  if (error) return error.message;
  if (runs) return t("rules.day_counted");
  if (!done) return t("rules.day_waits");
  const [given] = done.trials;
  return t("rules.day_found", { count: given.activations, fleeting: given.fleeting });
}

/* What the rule would have done in the last day, counted anew whenever it has stood still for a moment. */
function useDay(said, settled) {
  const [state, setState] = useState({ done: null, runs: false, error: null });
  useEffect(() => {
    const rule = said();
    const isWhole = !("limit" in rule.condition) || Number.isFinite(rule.condition.limit);
    if (!isWhole) return undefined;
    let close = null;
    const timer = setTimeout(() => {
      setState((before) => ({ ...before, runs: true, error: null }));
      close = link().subscribe("alarm_rules.backtest", { rule: { ...rule, name: rule.name || "–" }, days: 1 }, {
        onData: (told) => {
          if (!told.is_done) return;
          setState({ done: told, runs: false, error: null });
          close?.();
        },
        onError: (error) => setState((before) => ({ ...before, runs: false, error })),
      });
    }, SETTLED_MS);
    return () => {
      clearTimeout(timer);
      close?.();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `settled` stands for what `said` returns
  }, [settled]);
  return state;
}

function Drawing({ signal, condition, series, found, width, start_at, end_at, onLimit }) {
  const zone = useZone();
  const svg = useRef(null);
  const [held, setHeld] = useState(null); // While it is dragged: {scale, limit}; the scale stands still under the pointer.
  const points = series.at.map((at, index) => [at, series.mean[index]]);
  const values = [...series.low, ...series.high].filter((value) => value !== null);
  const isDragged = DRAGGED.has(condition.kind);
  const limit = isDragged ? (held?.limit ?? condition.limit) : null;
  const scale = held?.scale ?? ticked(endsOf(values, limit, signal));
  const ticks = niceTicks(scale.low, scale.high, 5);
  const inner = Math.max(60, width - LEFT - 8);
  const x = (at) => LEFT + ((Math.min(Math.max(at, start_at), end_at) - start_at) / (end_at - start_at)) * inner;
  const y = (value) => pixel(value, scale, HEIGHT);
  const decimals = decimalsOf(ticks[1] - ticks[0], 6);
  const at = (event) => rounded(valueAt(event.clientY - svg.current.getBoundingClientRect().top, scale, HEIGHT), signal.decimals);
  const drag = {
    onPointerDown: (event) => {
      event.preventDefault();
      event.currentTarget.setPointerCapture(event.pointerId);
      event.currentTarget.focus();
      setHeld({ scale, limit });
    },
    onPointerMove: (event) => held && setHeld({ scale: held.scale, limit: at(event) }),
    onPointerUp: () => {
      if (held) onLimit(held.limit);
      setHeld(null);
    },
    onPointerCancel: () => setHeld(null),
    onKeyDown: (event) => {
      const next = nudged(limit, event.key, event.shiftKey, scale, signal.decimals);
      if (next === null) return;
      event.preventDefault();
      onLimit(next);
    },
  };
  return (
    <svg ref={svg} className="alarm-chart" width={width} height={HEIGHT + 24 + LANE} role="group" aria-label={t("rules.chart_label", { name: signal.label })}>
      <NormalBand signal={signal} scale={scale} x={LEFT} width={inner} height={HEIGHT} className="normal-band faint" />
      {ticks.map((tick) => (
        <g key={tick}>
          <path className="chart-grid" d={`M${LEFT} ${y(tick)}H${LEFT + inner}`} />
          <text className="chart-label" x={LEFT - 8} y={y(tick) + 4} textAnchor="end">{number(tick, decimals)}</text>
        </g>
      ))}
      {timeTicks(start_at, end_at, Math.max(2, Math.floor(inner / 90))).map((tick) => (
        <text key={tick} className="chart-label" x={x(tick)} y={HEIGHT + 18} textAnchor="middle">{hourMinute(tick, zone)}</text>
      ))}
      <path className="chart-envelope" d={envelopeOf(series, x, y)} />
      <g transform={`translate(${LEFT} 0)`}><path className="chart-line" d={linePath(gapped(points, series.bucket_us), start_at, end_at, scale, inner, HEIGHT)} /></g>
      {values.length === 0 && <text className="chart-note" x={LEFT + inner / 2} y={HEIGHT / 2} textAnchor="middle">{t("rules.day_empty")}</text>}
      <Activations found={found.done} {...{ x, start_at, end_at }} />
      {isDragged && Number.isFinite(limit) && (
        <g
          className="limit-handle" data-held={held !== null} role="slider" tabIndex={0} aria-orientation="vertical" aria-label={t("rules.limit_slider")}
          aria-valuenow={limit} aria-valuemin={scale.low} aria-valuemax={scale.high} aria-valuetext={quantity(limit, signal.decimals ?? 1, signal.unit)} {...drag}
        >
          <rect className="limit-grip" x={LEFT} y={y(limit) - 12} width={inner} height={24} />
          <path className="chart-limit" d={`M${LEFT} ${y(limit)}H${LEFT + inner}`} />
          <rect className="limit-knob" x={LEFT + inner / 2 - 14} y={y(limit) - 6} width={28} height={12} rx={3} />
          <text className="chart-value" x={LEFT + inner - 4} y={y(limit) + (y(limit) < 20 ? 18 : -6)} textAnchor="end">{t("alarm.limit", { limit: exact(limit) })}</text>
        </g>
      )}
    </svg>
  );
}

function ticked({ low, high }) {
  const ticks = niceTicks(low, high, 5);
  return { low: ticks[0], high: ticks[ticks.length - 1] };
}

/* When the rule would have stood, as bars under the axis: at least three pixels, so that a fleeting one is seen. */
function Activations({ found, x, start_at, end_at }) {
  if (!found) return null;
  const shown = found.activations.filter(({ end_at: over }) => over === null || over > start_at);
  return (
    <g className="activations">
      {shown.map(({ start_at: from, end_at: over }) => (
        <rect key={from} x={x(from)} y={HEIGHT + 26} width={Math.max(3, x(over ?? end_at) - x(from))} height={10} />
      ))}
    </g>
  );
}

/* Buckets without a sample are absent: a gap is drawn as one. */
function gapped(points, bucket_us) {
  const apart = Math.max(bucket_us, SPAN_US / BUCKETS) * 2.5;
  return points.flatMap((point, index) => (index && point[0] - points[index - 1][0] > apart ? [[point[0] - 1, null], point] : [point]));
}

function envelopeOf(series, x, y) {
  if (!series.bucket_us) return "";
  const areas = [];
  let ups = [];
  let downs = [];
  const close = () => {
    if (ups.length > 1) areas.push(`M${ups.join("L")}L${downs.reverse().join("L")}Z`);
    ups = [];
    downs = [];
  };
  series.at.forEach((at, index) => {
    if (series.high[index] === null || (index && at - series.at[index - 1] > series.bucket_us * 2.5)) close();
    if (series.high[index] === null) return;
    ups.push(`${x(at).toFixed(1)} ${y(series.high[index]).toFixed(1)}`);
    downs.push(`${x(at).toFixed(1)} ${y(series.low[index]).toFixed(1)}`);
  });
  close();
  return areas.join("");
}
