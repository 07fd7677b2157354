/* The way from calendar time to good pieces, and what machines did: drawings that say in words what they show. */
import { hourMinute, number } from "./format.js";
import { useZone } from "./hooks.js";
import { t } from "./messages.js";
import { lossName, minutes, stateName } from "./production_words.js";

const HEIGHT = 220;
const TOP = 26;
const STEP = 64;
const BAR = 44;
const HIDDEN_S = 0.5; // Less than this is none of a loss.

/** Bars that hang from what is left; the first and the last stand. They add up to the first. */
export function Waterfall({ period, onLoss, chosen }) {
  const whole = Math.max(period.calendar_s, 1);
  const scale = HEIGHT / whole;
  const losses = period.waterfall.filter((bar) => Math.abs(bar.seconds) >= HIDDEN_S);
  let left = period.calendar_s;
  const drawn = losses.map((bar, index) => {
    const from = left;
    left -= bar.seconds;
    return { ...bar, x: (index + 1) * STEP, top: Math.max(from, left), bottom: Math.min(from, left), from };
  });
  const width = (losses.length + 2) * STEP;
  const y = (seconds) => TOP + HEIGHT - seconds * scale;
  return (
    <div className="table-scroll">
      <svg className="waterfall" viewBox={`0 0 ${width} ${TOP + HEIGHT + 46}`} style={{ minWidth: width * 0.9 }} role="img" aria-label={t("production.waterfall_label", { minutes: minutes(period.calendar_s) })}>
        <Standing x={0} top={y(period.calendar_s)} bottom={y(0)} minutes={minutes(period.calendar_s)} name={t("production.elapsed")} className="waterfall-whole" />
        {drawn.map((bar) => (
          <g key={bar.loss} data-loss={bar.loss} data-chosen={chosen === bar.loss} className="waterfall-loss" onClick={() => onLoss?.(bar.loss)}>
            <line x1={bar.x - STEP + BAR} x2={bar.x + BAR} y1={y(bar.from)} y2={y(bar.from)} className="waterfall-line" />
            <rect x={bar.x} y={y(bar.top)} width={BAR} height={Math.max(1.5, (bar.top - bar.bottom) * scale)} />
            <text x={bar.x + BAR / 2} y={y(bar.top) - 6} textAnchor="middle" className="waterfall-number">{bar.seconds < 0 ? "+" : "−"}{number(Math.abs(bar.seconds) / 60, 1)}</text>
            <Name x={bar.x + BAR / 2} words={lossName(bar.loss)} />
          </g>
        ))}
        <Standing x={width - STEP} top={y(period.productive_s)} bottom={y(0)} minutes={minutes(period.productive_s)} name={t("production.productive")} className="waterfall-good" />
        <line x1="0" x2={width} y1={y(0)} y2={y(0)} className="waterfall-axis" />
      </svg>
    </div>
  );
}

function Standing({ x, top, bottom, minutes: said, name, className }) {
  return (
    <g className={className}>
      <rect x={x} y={top} width={BAR} height={Math.max(1.5, bottom - top)} />
      <text x={x + BAR / 2} y={top - 6} textAnchor="middle" className="waterfall-number">{said}</text>
      <Name x={x + BAR / 2} words={name} />
    </g>
  );
}

/** A name under a bar in two lines at most. */
function Name({ x, words }) {
  const parts = words.split(" ");
  const lines = parts.length > 1 ? [parts[0], parts.slice(1).join(" ")] : [words];
  return lines.map((line, index) => <text key={line} x={x} y={TOP + HEIGHT + 18 + index * 15} textAnchor="middle" className="waterfall-name">{line}</text>);
}

const WIDE = 1000;
const ROW = 16;

/** What a machine did, from left to right; patterns besides grey, so that no state is known by its shade alone. */
export function StateBar({ timeline, beginAt, endAt, chosen, onPick }) {
  const zone = useZone();
  const span = Math.max(endAt - beginAt, 1);
  const x = (at) => (Math.min(Math.max(at, beginAt), endAt) - beginAt) / span * WIDE;
  const parts = timeline.state.map((state, place) => ({ state, begin: timeline.edge_at[place], end: timeline.edge_at[place + 1], reason_id: timeline.reason_id[place] }));
  return (
    <svg className="state-bar" data-picks={Boolean(onPick)} viewBox={`0 0 ${WIDE} ${ROW}`} preserveAspectRatio="none" role="img" aria-label={spoken(parts)}>
      <defs>
        <pattern id="pat-setup" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" className="pat-ground" /><rect width="2.4" height="6" className="pat-ink" /></pattern>
        <pattern id="pat-planned" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" className="pat-paper" /><circle cx="2.5" cy="2.5" r="1" className="pat-ink" /></pattern>
        <pattern id="pat-no-data" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect width="5" height="5" className="pat-paper" /><rect width="1" height="5" className="pat-faint" /></pattern>
      </defs>
      {parts.map((part) => (
        <rect
          key={part.begin} data-state={part.state} data-chosen={chosen === part.begin} x={x(part.begin)} width={Math.max(x(part.end) - x(part.begin), 0.6)} y="0" height={ROW}
          onClick={() => onPick?.(part)}
        >
          <title>{`${stateName(part.state)} ${hourMinute(part.begin, zone)} – ${hourMinute(part.end, zone)}, ${minutes((part.end - part.begin) / 1e6)} min`}</title>
        </rect>
      ))}
    </svg>
  );
}

function spoken(parts) {
  const sums = new Map();
  for (const part of parts) sums.set(part.state, (sums.get(part.state) ?? 0) + (part.end - part.begin) / 1e6);
  return [...sums].map(([state, seconds]) => `${stateName(state)} ${minutes(seconds)} min`).join(", ") || t("production.nothing_known");
}

/** What the shades and patterns mean. */
export function StateLegend() {
  return (
    <ul className="state-legend">
      {["running", "idle", "setup", "planned", "down", "minor_stop", "no_data"].map((state) => (
        <li key={state}><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><rect width="14" height="14" data-state={state} /></svg>{stateName(state)}</li>
      ))}
    </ul>
  );
}
