/* The last hour of a signal as one line over its normal band. */
import { duration, quantity } from "./format.js";
import { guarded } from "./guard.jsx";
import { useFrozen } from "./hooks.js";
import { useRecent } from "./history.js";
import { t } from "./messages.js";
import { Skeleton } from "./parts.jsx";
import { pixel, windowOf } from "./scale.js";
import { inUnits } from "./units_shown.js";
import { useWidth } from "./width.js";

const EDGE = 3; // A value at the end of its range is drawn whole.
const WIDTH_MIN = 24; // A column that is hidden on phones has no width at all.

/** SVG path of [[at, value|null], …]; a null lifts the pen. */
export function linePath(points, from, to, scale, width, height) {
  let path = "";
  let down = false;
  for (const [at, value] of points) {
    if (value === null || at < from) {
      down = false;
      continue;
    }
    const x = ((at - from) / (to - from)) * width;
    path += `${down ? "L" : "M"}${x.toFixed(1)} ${pixel(value, scale, height).toFixed(1)}`;
    down = true;
  }
  return path;
}

/** `signal` with normal_low and normal_high; `height` in pixels; as wide as its place. */
export const Sparkline = guarded(function Sparkline({ signal: given, height = 56, spanS = 3600, dot = true }) {
  const signal = inUnits(given);
  const [box, width] = useWidth(160);
  const { points, from, to, error } = useRecent(signal, spanS);
  const frozen = useFrozen();
  if (!signal?.id) return null;
  const values = (points ?? []).map(([, value]) => value).filter((value) => value !== null);
  return (
    <div className="sparkline" ref={box} style={{ height }} data-frozen={frozen} data-signal={signal.id}>
      {!points && !error && <Skeleton height={height} />}
      {error && <span className="sparkline-note">{t("sparkline.failed")}</span>}
      {points && values.length === 0 && <span className="sparkline-note">{t("sparkline.empty", { span: duration(spanS) })}</span>}
      {values.length > 0 && width > WIDTH_MIN && (
        <Drawing {...{ signal, points, values, from, to, width, height, dot }} />
      )}
    </div>
  );
});

function Drawing({ signal, points, values, from, to, width, height, dot }) {
  const scale = windowOf(signal, [], values);
  const inner = Math.max(0, width - 8);
  const last = values[values.length - 1];
  const label = t("sparkline.label", {
    name: signal.label, span: duration((to - from) / 1e6),
    low: quantity(Math.min(...values), signal.decimals, signal.unit),
    high: quantity(Math.max(...values), signal.decimals, signal.unit),
    last: quantity(last, signal.decimals, signal.unit),
  });
  const ends = points.filter(([, value]) => value !== null);
  const endX = ((ends[ends.length - 1][0] - from) / (to - from)) * inner;
  const tall = height - 2 * EDGE;
  return (
    <svg width={width} height={height} role="img" aria-label={label}>
      <g transform={`translate(0 ${EDGE})`}>
        <NormalBand signal={signal} scale={scale} width={inner} height={tall} />
        <path className="sparkline-line" d={linePath(points, from, to, scale, inner, tall)} />
        {dot && <circle className="sparkline-dot" cx={endX} cy={pixel(last, scale, tall)} r="2.6" />}
      </g>
    </svg>
  );
}

/** The normal band of a signal on a scale; open to one side where only one bound is known. */
export function NormalBand({ signal, scale, width, height, className = "normal-band", x = 0 }) {
  if (signal.normal_low == null && signal.normal_high == null) return null;
  const top = signal.normal_high == null ? 0 : pixel(signal.normal_high, scale, height);
  const bottom = signal.normal_low == null ? height : pixel(signal.normal_low, scale, height);
  return <rect className={className} x={x} y={top} width={width} height={Math.max(1, bottom - top)} />;
}
