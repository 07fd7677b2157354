/* Ten minutes before and after an alarm: the line to it, its limit, now; what is still to come is hatched. */
import { useEffect, useRef, useState } from "react";
import { clock, decimalsOf, exact, hourMinute, number, quantity } from "./format.js";
import { useSignal } from "./directory.js";
import { guarded } from "./guard.jsx";
import { useNow, useQuery, useZone } from "./hooks.js";
import { live, useValue } from "./live.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";
import { pixel } from "./scale.js";
import { linePath, NormalBand } from "./sparkline.jsx";
import { niceTicks, timeTicks } from "./ticks.js";
import { inUnits, limitIn, measure, measured } from "./units_shown.js";
import { useWidth } from "./width.js";

const HALF_US = 600e6;
const HEIGHT = 168;
const LEFT = 46;
const BUCKETS = 300;

export const AlarmTrend = guarded(function AlarmTrend({ alarm: given }) {
  const signal = inUnits(useSignal(given.asset_id, given.signal_id));
  const alarm = { ...given, limit: given.limit === null ? null : limitIn(signal, given.limit) };
  const start_at = Math.round(alarm.raised_at - HALF_US);
  const end_at = Math.round(alarm.raised_at + HALF_US);
  const { answer, error, again } = useQuery("history.envelope", { signals: [alarm.signal_id], start_at, end_at, buckets: BUCKETS });
  const tail = useTail(alarm.signal_id, end_at).map(([at, value]) => [at, measure(signal, value)]);
  const [box, width] = useWidth(480);
  if (error && !answer) return <ErrorNote what={t("alarm.trend_failed")} error={error} again={again} compact />;
  return (
    <figure className="alarm-trend" ref={box}>
      <figcaption><span className="strong">{signal?.label ?? ""}</span> <span className="caption">{t("alarm.trend_span")}</span></figcaption>
      {answer && signal ? <Drawing {...{ alarm, signal, series: measured(signal, answer.series[0]), tail, width, start_at, end_at }} /> : <Skeleton height={HEIGHT + 24} />}
    </figure>
  );
});

/* Samples that arrive while the row is open; none after the window has passed. */
function useTail(signalId, end_at) {
  const sample = useValue(signalId);
  const points = useRef([]);
  const [, drawn] = useState(0);
  useEffect(() => {
    const newest = live.get(signalId);
    if (!newest || newest.source_at > end_at || typeof newest.value === "string") return;
    const value = newest.quality < 200 ? newest.value : null;
    const last = points.current[points.current.length - 1];
    if (!last || newest.source_at - last[0] > 500_000) {
      points.current.push([newest.source_at, value]);
      drawn((count) => count + 1);
    }
  }, [sample, signalId, end_at]);
  return points.current;
}

function Drawing({ alarm, signal, series, tail, width, start_at, end_at }) {
  const now = useNow() ?? end_at;
  const zone = useZone();
  const known = series.at.map((at, index) => [at, series.mean[index]]);
  const last = known.length ? known[known.length - 1][0] : 0;
  const points = [...known, ...tail.filter(([at]) => at > last)];
  const values = points.map(([, value]) => value).filter((value) => value !== null);
  const lines = alarm.limit === null ? [] : [alarm.limit];
  const low = Math.min(...lines, ...values, ...series.low.filter((value) => value !== null));
  const high = Math.max(...lines, ...values, ...series.high.filter((value) => value !== null));
  if (!Number.isFinite(low) || !Number.isFinite(high)) return <p className="muted">{t("alarm.trend_empty")}</p>;
  const air = (high - low) * 0.18 || Math.abs(high) * 0.1 || 1;
  const ticks = niceTicks(low - air, high + air, 4);
  const scale = { low: ticks[0], high: ticks[ticks.length - 1] };
  const inner = Math.max(40, width - LEFT - 8);
  const x = (at) => LEFT + ((at - start_at) / (end_at - start_at)) * inner;
  const y = (value) => pixel(value, scale, HEIGHT);
  const decimals = decimalsOf(ticks[1] - ticks[0], 6);
  const final = [...points].reverse().find(([, value]) => value !== null);
  const nowX = Math.min(x(now), LEFT + inner);
  return (
    <svg className="alarm-chart" width={width} height={HEIGHT + 24} role="img" aria-label={t("alarm.trend_label", { name: signal.label, limit: alarm.limit === null ? t("rules.kinds", { kind: alarm.kind }) : quantity(alarm.limit, decimals, signal.unit) })}>
      <defs>
        <pattern id={`future-${alarm.id}`} width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path className="hatch" d="M0 0V8" /></pattern>
        <clipPath id={`plot-${alarm.id}`}><rect x={LEFT} y={0} width={inner} height={HEIGHT} /></clipPath>
      </defs>
      {now < end_at && <rect x={nowX} y={0} width={LEFT + inner - nowX} height={HEIGHT} fill={`url(#future-${alarm.id})`} />}
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
      <g clipPath={`url(#plot-${alarm.id})`}>
        <Envelope series={series} x={x} y={y} />
        <g transform={`translate(${LEFT} 0)`}><path className="chart-line" d={linePath(points, start_at, end_at, scale, inner, HEIGHT)} /></g>
      </g>
      {alarm.limit !== null && <path className="chart-limit" d={`M${LEFT} ${y(alarm.limit)}H${LEFT + inner}`} />}
      {alarm.limit !== null && <text className="chart-label" x={LEFT + inner - 4} y={y(alarm.limit) - 5} textAnchor="end">{t("alarm.limit", { limit: exact(alarm.limit) })}</text>}
      <path className="chart-event" d={`M${x(alarm.raised_at)} 0V${HEIGHT}`} />
      <text className="chart-note" x={x(alarm.raised_at) - 6} y={HEIGHT - 8} textAnchor="end">{t("alarm.at", { at: clock(alarm.raised_at, zone) })}</text>
      {now < end_at && nowX + 96 < width && <text className="chart-note" x={nowX + 6} y={HEIGHT - 8}>{t("alarm.now", { at: clock(now, zone) })}</text>}
      {now < end_at && <path className="chart-now" d={`M${nowX} 0V${HEIGHT}`} />}
      {final && <circle className="sparkline-dot" cx={x(final[0])} cy={y(final[1])} r="3" />}
      {final && <text className="chart-value" x={Math.min(x(final[0]) + 8, width - 8)} y={y(final[1]) + 5}>{number(final[1], signal.decimals)}</text>}
    </svg>
  );
}

function Envelope({ series, x, y }) {
  if (!series.bucket_us) return null;
  const ups = [];
  const downs = [];
  const areas = [];
  const close = () => {
    if (ups.length) areas.push(`M${ups.join("L")}L${downs.reverse().join("L")}Z`);
    ups.length = 0;
    downs.length = 0;
  };
  series.at.forEach((at, index) => {
    if (series.high[index] === null) return close();
    ups.push(`${x(at).toFixed(1)} ${y(series.high[index]).toFixed(1)}`);
    downs.push(`${x(at).toFixed(1)} ${y(series.low[index]).toFixed(1)}`);
  });
  close();
  return <path className="chart-envelope" d={areas.join("")} />;
}
