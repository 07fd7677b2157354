/* What a model is to learn from: the normal period on a timeline, known troubles left out, signals with the grade of their data. */
import { useEffect, useRef, useState } from "react";
import { Check, Field } from "./form_parts.jsx";
import { day, hourMinute, moment, number } from "./format.js";
import { useNow, useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { pixel } from "./scale.js";
import { linePath } from "./sparkline.jsx";
import { timeTicks } from "./ticks.js";
import { DAY_US, excludedOf, fitsRows, likeTemplate, movedEnd, placedEnd, rowFor, ROWS_S, SPANS_D } from "./training.js";
import { useWidth } from "./width.js";

const HEIGHT = 120;
const SETTLED_MS = 400;
const BUCKETS = 360;
const MINUTE_US = 60e6;

/** `onChosen({span, row_s, signal_ids, excluded})` hands over what is to be learned from. */
export function DataStep({ place, template, onPlace, onChosen }) {
  const [now] = useState(() => Math.floor(link().clock.now() / MINUTE_US) * MINUTE_US);
  const end_at = place.end > now ? place.end : now;
  const view = { start_at: end_at - place.days * DAY_US, end_at };
  const isInside = place.begin >= view.start_at && place.end <= view.end_at && place.end > place.begin;
  const span = isInside ? { start_at: place.begin, end_at: place.end } : view;
  const asked = { asset_id: place.asset, row_s: place.row };
  const whole = useQuery("training.plan", { ...asked, span: view });
  const settled = useSettled(isInside ? span : null);
  const part = useQuery("training.plan", isInside && settled ? { ...asked, span: settled } : null);
  const plan = isInside ? (part.answer ?? whole.answer) : whole.answer;
  const [chosen, setChosen] = useState(null); // Ids, once somebody has touched the list.
  const [kept, setKept] = useState(new Set()); // Troubles that are learned from in spite of all.
  const error = whole.error ?? part.error;
  if (error && !plan) return <ErrorNote what={t("training.plan_failed")} error={error} again={() => { whole.again(); part.again(); }} />;
  if (!plan || !whole.answer) return <Skeleton height={240} />;
  const proposed = template ? likeTemplate(plan.signals, template.card.signals) : new Set(plan.signals.filter((signal) => signal.fits).map((signal) => signal.signal_id));
  const ids = chosen ?? proposed;
  const excluded = excludedOf(whole.answer.troubles, kept, span);
  const toggle = (id) => setChosen(new Set(ids.has(id) ? [...ids].filter((each) => each !== id) : [...ids, id]));
  const show = (days) => onPlace({ days, row: fitsRows(days, place.row) && place.row !== rowFor(place.days) ? place.row : rowFor(days), begin: 0, end: 0 });
  const next = () => onChosen({ span, row_s: place.row, signal_ids: plan.signals.filter((signal) => ids.has(signal.signal_id)).map((signal) => signal.signal_id), excluded });
  return (
    <div className="stack">
      <div className="training-ask">
        <div className="segments" role="group" aria-label={t("training.shown_days")}>
          {SPANS_D.map((days) => <button key={days} type="button" className="segment" aria-pressed={days === place.days} onClick={() => show(days)}>{t("training.last_days", { count: days })}</button>)}
        </div>
        <Field as="select" label={t("training.row_s")} value={place.row} onChange={(event) => onPlace({ row: Number(event.target.value) })}>
          {ROWS_S.filter((row_s) => fitsRows(place.days, row_s)).map((row_s) => <option key={row_s} value={row_s}>{t("training.seconds", { count: row_s })}</option>)}
        </Field>
      </div>
      <Timeline view={view} span={span} troubles={whole.answer.troubles} kept={kept} signal={plan.signals.find((signal) => ids.has(signal.signal_id))} onSpan={(to) => onPlace({ begin: to.start_at, end: to.end_at })} />
      <Troubles troubles={whole.answer.troubles} kept={kept} onKept={setKept} />
      <p role="status" className={plan.refused ? "act-error" : ""}>{plan.refused || t("training.rows_there", { rows: number(plan.rows), running: number(plan.running_rows) })}</p>
      {plan.signals.length === 0 ? <EmptyNote title={t("training.no_signals")} text={t("training.no_signals_hint")} /> : <Signals signals={plan.signals} ids={ids} onToggle={toggle} />}
      <div className="note-actions">
        <button type="button" className="button button-primary" disabled={ids.size === 0 || plan.refused !== ""} onClick={next}>{t("training.next_train")}</button>
        {ids.size === 0 && plan.signals.length > 0 && <span className="caption">{t("training.choose_signals")}</span>}
      </div>
    </div>
  );
}

/** A value once it has stood still: a handle that is dragged asks nothing on its way. */
function useSettled(value) {
  const key = JSON.stringify(value);
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` stands for the content of `value`
  }, [key]);
  return settled;
}

function Timeline({ view, span, troubles, kept, signal, onSpan }) {
  const [box, width] = useWidth(600);
  const zone = useZone();
  const now = useNow();
  const svg = useRef(null);
  const [held, setHeld] = useState(null);
  const [dragged, setDragged] = useState(null);
  const shown = dragged ?? span;
  const past = useQuery("history.envelope", signal ? { signals: [signal.signal_id], start_at: view.start_at, end_at: view.end_at, buckets: BUCKETS } : null);
  const series = past.answer?.series[0];
  const x = (at) => ((Math.min(Math.max(at, view.start_at), view.end_at) - view.start_at) / (view.end_at - view.start_at)) * width;
  const drag = (end) => ({
    onPointerDown: (event) => {
      event.preventDefault();
      event.currentTarget.setPointerCapture(event.pointerId);
      event.currentTarget.focus();
      setHeld(end);
    },
    onPointerMove: (event) => {
      if (held !== end) return;
      const share = (event.clientX - svg.current.getBoundingClientRect().left) / width;
      setDragged(placedEnd(shown, end, view.start_at + share * (view.end_at - view.start_at), view));
    },
    onPointerUp: () => {
      if (dragged) onSpan(dragged);
      setHeld(null);
      setDragged(null);
    },
    onPointerCancel: () => {
      setHeld(null);
      setDragged(null);
    },
    onKeyDown: (event) => {
      const next = movedEnd(span, end, event.key, view);
      if (next === null) return;
      event.preventDefault();
      onSpan(next);
    },
  });
  const said = (at) => moment(at, now ?? at, zone);
  return (
    <figure className="training-timeline" ref={box}>
      <figcaption><span className="strong">{t("training.normal")}</span> <span className="caption">{t("training.normal_is", { from: said(shown.start_at), to: said(shown.end_at) })}{signal && <> · {signal.label}</>}</span></figcaption>
      <svg ref={svg} width={width} height={HEIGHT + 24} role="group" aria-label={t("training.timeline")}>
        <rect className="timeline-normal" x={x(shown.start_at)} width={Math.max(1, x(shown.end_at) - x(shown.start_at))} y={0} height={HEIGHT} />
        {series && <path className="sparkline-line" d={lineOf(series, view, width)} />}
        {series && series.at.length === 0 && <text className="chart-note" x={width / 2} y={HEIGHT / 2} textAnchor="middle">{t("training.no_past")}</text>}
        {troubles.map((each) => (
          <rect key={each.id} className="timeline-trouble" data-kept={kept.has(each.id)} x={x(each.start_at)} width={Math.max(3, x(each.end_at) - x(each.start_at))} y={0} height={HEIGHT}><title>{each.name}</title></rect>
        ))}
        {["start_at", "end_at"].map((end) => (
          <g
            key={end} className="timeline-handle" data-held={held === end} role="slider" tabIndex={0} aria-label={t("training.end_of", { end })}
            aria-valuemin={view.start_at} aria-valuemax={view.end_at} aria-valuenow={shown[end]} aria-valuetext={said(shown[end])} {...drag(end)}
          >
            <rect className="timeline-grip" x={Math.min(Math.max(x(shown[end]) - 22, 0), width - 44)} y={0} width={44} height={HEIGHT} />
            <path d={`M${x(shown[end])} 0V${HEIGHT}`} />
            <rect className="timeline-knob" x={Math.min(Math.max(x(shown[end]) - 5, 0), width - 10)} y={HEIGHT / 2 - 14} width={10} height={28} rx={3} />
          </g>
        ))}
        {timeTicks(view.start_at, view.end_at, Math.max(2, Math.floor(width / 90))).map((tick) => (
          <text key={tick} className="chart-label" x={Math.min(Math.max(x(tick), 20), width - 20)} y={HEIGHT + 18} textAnchor="middle">{view.end_at - view.start_at > 2 * DAY_US ? day(tick, zone) : hourMinute(tick, zone)}</text>
        ))}
      </svg>
      <p className="caption">{t("training.timeline_hint")}</p>
    </figure>
  );
}

function lineOf(series, view, width) {
  const known = series.mean.filter((value) => value !== null);
  if (!known.length) return "";
  const scale = { low: Math.min(...known), high: Math.max(...known) };
  const points = series.at.map((at, place) => [at, series.mean[place]]);
  const apart = (view.end_at - view.start_at) / BUCKETS * 3;
  const gapped = points.flatMap((point, place) => (place && point[0] - points[place - 1][0] > apart ? [[point[0] - 1, null], point] : [point]));
  const air = (scale.high - scale.low) * 0.1 || 1;
  const line = linePath(gapped, view.start_at, view.end_at, { low: scale.low - air, high: scale.high + air }, width, HEIGHT);
  return Number.isFinite(pixel(scale.low, scale, HEIGHT)) ? line : "";
}

function Troubles({ troubles, kept, onKept }) {
  if (!troubles.length) return <p className="caption">{t("training.no_troubles")}</p>;
  const toggle = (id) => onKept(new Set(kept.has(id) ? [...kept].filter((each) => each !== id) : [...kept, id]));
  return (
    <fieldset className="training-troubles">
      <legend>{t("training.troubles", { count: troubles.length })}</legend>
      {troubles.map((each) => (
        <label key={each.id} className="check-line">
          <input type="checkbox" className="checkbox" checked={!kept.has(each.id)} onChange={() => toggle(each.id)} />
          <span>{each.name} <span className="caption">{t("training.trouble_kind", { kind: each.kind })}, <Moment at={each.start_at} /> – <Moment at={each.end_at} /></span></span>
        </label>
      ))}
    </fieldset>
  );
}

function Signals({ signals, ids, onToggle }) {
  return (
    <table className="table people-table">
      <thead><tr><th>{t("training.signal")}</th><th>{t("training.grade")}</th><th>{t("training.covered")}</th><th>{t("training.moves")}</th></tr></thead>
      <tbody>
        {signals.map((signal) => (
          <tr key={signal.signal_id}>
            <td><Check label={signal.label || signal.name} checked={ids.has(signal.signal_id)} onChange={() => onToggle(signal.signal_id)} /></td>
            <td data-label={t("training.grade")}><span className="chip" data-grade={signal.grade}>{t("training.grade_of", { grade: signal.grade })}</span></td>
            <td data-label={t("training.covered")}>{t("models.percent", { percent: number(100 * signal.covered, 1) })}</td>
            <td data-label={t("training.moves")}>{t("training.moves_of", { moves: String(signal.changes) })}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
