/* One stretch of a machine's time, from close by: its states around it, what its signals did and which alarms came; and
   what a person may say of it: that one stop was two, or two were one. All of it can be taken back. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { useSignals } from "./directory.js";
import { Field, Sheet } from "./form_parts.jsx";
import { clock, decimalsOf, hourMinute, number, unitSymbol } from "./format.js";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";
import { StateBar } from "./production_charts.jsx";
import { minutes, reasonName, stateName } from "./production_words.js";
import { linePath } from "./sparkline.jsx";
import { niceTicks, timeTicks } from "./ticks.js";
import { UndoNote } from "./undo.jsx";
import { inUnits, measured } from "./units_shown.js";
import { useWidth } from "./width.js";

const AROUND_US = 600_000_000;
const SPAN_US_MAX = 4 * 86_400_000_000;
const SHOWN_MAX = 3;
const BUCKETS = 240;
const HEIGHT = 84;
const LEFT = 46;
const STOPS = new Set(["idle", "starved", "blocked", "setup", "planned", "down", "minor_stop"]);
const ALARM_KINDS = ["raised"];

export const isStop = (state) => STOPS.has(state);

/** `part` is {begin, end, state, reason_id} of a machine {asset_id, code}. */
export function Minute({ machine, part, reasons, mayRecord, onClose, onSaid }) {
  const zone = useZone();
  const from = part.begin - AROUND_US;
  const to = Math.min(part.end + AROUND_US, from + SPAN_US_MAX);
  const asked = { asset_id: machine.asset_id, begin_at: from, end_at: to };
  const { answer, error, again } = useQuery("production.timeline", asked);
  const [said, setSaid] = useState(null);
  const reason = reasons.find((each) => each.id === part.reason_id);
  const changed = (what, edit) => { setSaid({ what, edit }); again(); onSaid(); };
  return (
    <Sheet title={`${machine.code} ${hourMinute(part.begin, zone)}`} onClose={onClose} side>
      <p>
        <strong>{reasonName(reason, part.state)}</strong> · {clock(part.begin, zone)} – {clock(part.end, zone)} · {minutes((part.end - part.begin) / 1e6)} min
      </p>
      {said && (
        <UndoNote
          key={said.edit.id} what={said.what} onOver={() => setSaid(null)}
          onUndo={async () => {
            await link().mutate("production.take_back", { shift_id: said.edit.shift_id, edit_id: said.edit.id });
            setSaid(null);
            again();
            onSaid();
          }}
        />
      )}
      <div className="stack minute-states">
        {error && !answer && <ErrorNote what={t("production.failed")} error={error} again={again} compact />}
        {answer ? <StateBar timeline={answer} beginAt={from} endAt={to} chosen={part.begin} /> : <Skeleton height={22} />}
        <div className="state-hours"><span>{hourMinute(from, zone)}</span><span>{hourMinute((from + to) / 2, zone)}</span><span>{hourMinute(to, zone)}</span></div>
      </div>
      <Signals assetId={machine.asset_id} from={from} to={to} part={part} />
      <Alarms assetId={machine.asset_id} from={from} to={to} />
      {mayRecord && isStop(part.state) && answer && <Reshape machine={machine} part={part} timeline={answer} onSaid={changed} />}
    </Sheet>
  );
}

/** The machine's first measured values over the time, and the way to all of them. */
function Signals({ assetId, from, to, part }) {
  const signals = useSignals(assetId).filter((signal) => signal.data_type !== "text" && signal.shape === "continuous").slice(0, SHOWN_MAX);
  const ids = signals.map((signal) => signal.id);
  const { answer, error, again } = useQuery("history.envelope", ids.length ? { signals: ids, start_at: from, end_at: to, buckets: BUCKETS } : null);
  const address = new URLSearchParams([...ids.map((id) => ["s", id]), ["from", iso(from)], ["to", iso(to)]]);
  return (
    <section className="stack">
      <h3>{t("production.what_it_did")}</h3>
      {error && !answer && <ErrorNote what={t("production.failed")} error={error} again={again} compact />}
      {!answer && !error && ids.length > 0 && <Skeleton height={HEIGHT} />}
      {answer && signals.map((signal, place) => (answer.series[place] ? <Line key={signal.id} signal={inUnits(signal)} series={measured(inUnits(signal), answer.series[place])} from={from} to={to} part={part} /> : null))}
      {ids.length > 0 && <Go to={`/trends?${address}`}>{t("production.open_trend")}</Go>}
    </section>
  );
}

const iso = (at) => new Date(at / 1_000).toISOString();

function Line({ signal, series, from, to, part }) {
  const zone = useZone();
  const [box, width] = useWidth(420);
  const points = series.at.map((at, index) => [at, series.mean[index]]);
  const values = [...series.low, ...series.high].filter((value) => value !== null && Number.isFinite(value));
  const inner = Math.max(40, width - LEFT);
  const ticks = values.length ? niceTicks(Math.min(...values), Math.max(Math.max(...values), Math.min(...values) + 1e-6), 3) : [];
  const scale = { low: ticks[0], high: ticks.at(-1) };
  const x = (at) => LEFT + ((Math.min(Math.max(at, from), to) - from) / (to - from)) * inner;
  const decimals = ticks.length > 1 ? decimalsOf(ticks[1] - ticks[0], 6) : 0;
  return (
    <figure className="minute-line" ref={box}>
      <figcaption className="caption">{signal.label} {signal.unit ? unitSymbol(signal.unit) : ""}</figcaption>
      {values.length === 0 && <p className="muted">{t("production.no_samples")}</p>}
      {values.length > 0 && (
        <svg width={width} height={HEIGHT + 20} role="img" aria-label={t("production.line_label", { name: signal.label, low: number(Math.min(...values), decimals), high: number(Math.max(...values), decimals) })}>
          <rect className="minute-part" x={x(part.begin)} width={Math.max(1, x(part.end) - x(part.begin))} y="0" height={HEIGHT} />
          {ticks.map((tick) => {
            const y = HEIGHT - ((tick - scale.low) / (scale.high - scale.low || 1)) * HEIGHT;
            return <g key={tick}><path className="chart-grid" d={`M${LEFT} ${y}H${LEFT + inner}`} /><text className="chart-label" x={LEFT - 6} y={Math.min(HEIGHT, Math.max(10, y + 4))} textAnchor="end">{number(tick, decimals)}</text></g>;
          })}
          {timeTicks(from, to, Math.max(2, Math.floor(inner / 110))).map((tick) => <text key={tick} className="chart-label" x={x(tick)} y={HEIGHT + 16} textAnchor="middle">{hourMinute(tick, zone)}</text>)}
          <g transform={`translate(${LEFT} 0)`}><path className="chart-line" d={linePath(points, from, to, scale, inner, HEIGHT)} /></g>
        </svg>
      )}
    </figure>
  );
}

function Alarms({ assetId, from, to }) {
  const { answer, error, again } = useQuery("alarms.journal", { asset_id: assetId, start_at: from, end_at: to, kinds: ALARM_KINDS, limit: 50 });
  return (
    <section className="stack">
      <h3>{t("production.alarms_then")}</h3>
      {error && !answer && <ErrorNote what={t("production.failed")} error={error} again={again} compact />}
      {answer?.entries.length === 0 && <p className="muted">{t("production.no_alarms_then")}</p>}
      <ul className="minute-alarms">
        {[...(answer?.entries ?? [])].reverse().map((entry) => (
          <li key={entry.id}><PriorityShape priority={entry.priority} state={entry.state} size={16} label="" /> <Moment at={entry.at} /> <Go to={`/asset/${assetId}?tab=alarms`}>{entry.name}</Go></li>
        ))}
      </ul>
    </section>
  );
}

/** Cut a stop in two at a moment, or make one of it and the next. */
function Reshape({ machine, part, timeline, onSaid }) {
  const zone = useZone();
  const { run, busy, error } = useAct();
  const [at, setAt] = useState(Math.floor((part.begin + part.end) / 2));
  const next = following(timeline, part);
  const say = (what, facts) => run(async () => onSaid(what, await link().mutate("production.say", { asset_id: machine.asset_id, facts })));
  const second = 1_000_000;
  return (
    <section className="stack">
      <h3>{t("production.reshape")}</h3>
      {part.end - part.begin > 2 * second && (
        <div className="minute-cut">
          <Field type="range" min={part.begin + second} max={part.end - second} step={second} value={at} onChange={(event) => setAt(Number(event.target.value))} label={t("production.cut_at", { time: clock(at, zone) })} aria-valuetext={clock(at, zone)} />
          <button type="button" className="button" disabled={busy} onClick={() => say(t("production.was_cut", { time: clock(at, zone) }), { kind: "cut", at })}>{t("production.cut")}</button>
        </div>
      )}
      {next && (
        <div className="note-actions">
          <button type="button" className="button" disabled={busy} onClick={() => say(t("production.was_merged"), { kind: "merge", at: part.begin, until: next.end })}>
            {t("production.merge", { time: hourMinute(next.begin, zone), minutes: minutes((next.begin - part.end) / 1e6) })}
          </button>
        </div>
      )}
      {part.end - part.begin <= 2 * second && !next && <EmptyNote title={t("production.nothing_to_reshape")} />}
      <ActError error={error} />
    </section>
  );
}

/** The next stop behind a part, with nothing but running between; null where time without data or shifts lies there. */
function following(timeline, part) {
  for (let place = 0; place < timeline.state.length; place += 1) {
    const [begin, end, state] = [timeline.edge_at[place], timeline.edge_at[place + 1], timeline.state[place]];
    if (begin < part.end) continue;
    if (state === "no_data" || state === "unscheduled") return null;
    if (isStop(state)) return { begin, end };
  }
  return null;
}
