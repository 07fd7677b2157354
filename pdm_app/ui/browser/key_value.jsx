/* One key value of a machine: number, what it means, its last hour, and the moving bar on the same scale. */
import { duration, exact, number, quantity } from "./format.js";
import { guarded } from "./guard.jsx";
import { useRecent } from "./history.js";
import { LiveValue, qualityText, useReading, ValueAge } from "./live_value.jsx";
import { t } from "./messages.js";
import { RuleOffer } from "./rule_offer.jsx";
import { linePath, NormalBand } from "./sparkline.jsx";
import { pixel, windowOf } from "./scale.js";
import { inUnits, limitIn } from "./units_shown.js";
import { useWidth } from "./width.js";

const BAR_WIDTH = 14;
const LABELS_WIDTH = 34;
const POINTER = 9;
const LABEL_APART = 12;

/** Limits of a signal from the rules of its machine, in the reader's units: [{limit, kind, priority}]. */
export function limitsOf(signal, rules = []) {
  return rules
    .filter((rule) => rule.signal_id === signal?.id && rule.enabled !== false && Number.isFinite(rule.condition?.limit))
    .map((rule) => ({ limit: limitIn(signal, rule.condition.limit), kind: rule.condition.kind, priority: rule.priority, name: rule.name }));
}

export const KeyValue = guarded(function KeyValue({ signal: given, rules = [], spanS = 3600 }) {
  const signal = inUnits(given);
  const [box, width] = useWidth(150);
  const reading = useReading(signal);
  const { points, from, to } = useRecent(signal, spanS);
  if (!signal?.id) return null;
  const limits = limitsOf(signal, rules);
  const values = (points ?? []).map(([, value]) => value).filter((value) => value !== null);
  const value = typeof reading.shown === "number" ? reading.shown : null;
  const scale = windowOf(signal, limits.map(({ limit }) => limit), value === null ? values : [...values, value]);
  const isNumber = signal.data_type !== "boolean" && signal.data_type !== "text";
  return (
    <div className="key-value" data-state={reading.state} data-signal={signal.id}>
      <div className="key-value-words">
        <p className="caption key-value-label" title={signal.label}>{signal.label}</p>
        <LiveValue signal={signal} showAge={false} />
        <Meaning signal={signal} reading={reading} limits={limits} />
        <RuleOffer signal={signal} />
      </div>
      <div className="key-value-chart" ref={box}>
        {isNumber && <Chart {...{ signal, limits, points, from, to, scale, value, width, reading, spanS }} />}
      </div>
    </div>
  );
});

/* Outside of the normal band without an alarm is said in bold with an arrow, never by a hue. */
function Meaning({ signal, reading, limits }) {
  const { shown, state, sample } = reading;
  if (state === "waiting") return <p className="caption">{t("quality.waiting")}</p>;
  if (state === "bad") return <p className="caption key-value-bad"><ValueAge reading={reading} /> {qualityText(sample.quality)}</p>;
  if (state === "frozen") return <p className="caption"><ValueAge reading={reading} /></p>;
  if (typeof shown !== "number") return <p className="caption" />;
  const { normal_low, normal_high, decimals } = signal;
  if (normal_high != null && shown > normal_high) {
    return <p className="key-value-off"><Arrow up />{t("value.above", { amount: number(shown - normal_high, decimals) })}</p>;
  }
  if (normal_low != null && shown < normal_low) {
    return <p className="key-value-off"><Arrow />{t("value.below", { amount: number(normal_low - shown, decimals) })}</p>;
  }
  if (normal_low == null && normal_high == null) {
    return <p className="caption">{limits.length ? t("alarm.limit", { limit: exact(limits[0].limit) }) : ""}</p>;
  }
  return <p className="caption">{t("value.normal")}</p>;
}

function Arrow({ up = false }) {
  return <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><path d={up ? "M5 1L9.6 9H.4Z" : "M5 9L.4 1H9.6Z"} /></svg>;
}

function Chart({ signal, limits, points, from, to, scale, value, width, reading, spanS }) {
  const height = 88;
  const barX = Math.max(0, width - LABELS_WIDTH - BAR_WIDTH);
  const lineWidth = Math.max(0, barX - POINTER - 2);
  const y = value === null ? null : pixel(value, scale, height);
  const dead = reading.state === "bad" || reading.state === "frozen" || reading.state === "waiting";
  const label = t("bar.label", {
    name: signal.label, value: quantity(value, signal.decimals, signal.unit), span: duration(spanS),
    low: number(scale.low, signal.decimals), high: number(scale.high, signal.decimals),
  });
  return (
    <svg className="bar" width={width} height={height} role="img" aria-label={label} data-dead={dead} overflow="visible">
      {lineWidth > 24 && points && (
        <g>
          <NormalBand signal={signal} scale={scale} width={lineWidth} height={height} className="normal-band faint" />
          <path className="sparkline-line" d={linePath(points, from, to, scale, lineWidth, height)} />
        </g>
      )}
      <rect className="bar-track" x={barX} y={0.5} width={BAR_WIDTH} height={height - 1} />
      <NormalBand signal={signal} scale={scale} x={barX + 1} width={BAR_WIDTH - 2} height={height} className="bar-band" />
      {placed(limits, scale, height).map(({ limit, priority, at, labelAt }) => (
        <g key={`${limit}-${priority}`}>
          <path className="bar-limit" d={`M${barX - 1.5} ${at}H${barX + BAR_WIDTH + 4}`} />
          <text className="bar-limit-label" x={barX + BAR_WIDTH + 7} y={labelAt + 4}>{exact(limit)}</text>
        </g>
      ))}
      {y !== null && (
        <g className="bar-pointer">
          <path d={`M${barX - POINTER} ${y - 5}L${barX - 0.5} ${y}L${barX - POINTER} ${y + 5}Z`} />
          <path className="bar-value" d={`M${barX} ${y}H${barX + BAR_WIDTH}`} />
        </g>
      )}
    </svg>
  );
}

/* Limits with the places of their labels, pushed apart so that none covers another. */
function placed(limits, scale, height) {
  const seen = new Set();
  const marks = limits
    .filter(({ limit }) => !seen.has(limit) && seen.add(limit))
    .map((mark) => ({ ...mark, at: pixel(mark.limit, scale, height) }))
    .sort((a, b) => a.at - b.at);
  let last = -Infinity;
  for (const mark of marks) {
    mark.labelAt = Math.max(mark.at, last + LABEL_APART);
    last = mark.labelAt;
  }
  return marks;
}
