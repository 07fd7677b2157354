/* One standing alarm: its line in the list, and what an operator needs when it is open. */
import { lazy, memo, Suspense } from "react";
import { AckButton, CommentForm } from "./acknowledge.jsx";
import { ResetButton, ShelveForm } from "./alarm_shelving.jsx";
import { Chevron, ValueAndLimit } from "./alarm_parts.jsx";
import { isLatched, isOwn, needsAcknowledging, pageOf, SHAPE_OF_STATE, sourceOf } from "./alarms.js";
import { usePlaces } from "./directory.js";
import { hourMinute } from "./format.js";
import { useZone } from "./hooks.js";
import { t } from "./messages.js";
import { Age, Go, KeyHint, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";

const AlarmTrend = lazy(() => import("./alarm_trend.jsx").then((module) => ({ default: module.AlarmTrend })));

/** `act` holds {toggle, focus, ask, done} of the list; `measure` is told the element for lists too long to draw whole. */
export const AlarmRow = memo(function AlarmRow({ alarm, open, selected, current, asking, mayAcknowledge, mayShelve, act, select, measure, position }) {
  const place = usePlaces().get(alarm.asset_id);
  const zone = useZone();
  const shape = SHAPE_OF_STATE[alarm.state];
  const owed = needsAcknowledging(alarm);
  return (
    <div
      className="alarm" data-state={shape} data-open={open} data-current={current} data-alarm={alarm.id} role="row" aria-expanded={open}
      aria-rowindex={position} aria-selected={selected} tabIndex={current ? 0 : -1} onFocus={() => act.focus(alarm.id)} ref={(element) => measure(alarm.id, element)}
    >
      <div className="alarm-line" onClick={() => act.toggle(alarm.id)}>
        <span className="alarm-check" role="gridcell" onClick={(event) => event.stopPropagation()}>
          {mayAcknowledge && owed && (
            <input type="checkbox" className="checkbox" checked={selected} aria-label={t("alarms.select", { name: alarm.name })} onChange={() => select(alarm.id)} tabIndex={-1} />
          )}
        </span>
        <span className="alarm-shape" role="gridcell"><PriorityShape priority={alarm.priority} state={shape} size={20} /></span>
        <span className="alarm-at" role="gridcell"><Moment at={alarm.raised_at} /></span>
        <span className="alarm-asset" role="gridcell">
          <span className="code">{place?.asset.code ?? alarm.asset_id}</span> <span className="caption">{place?.line.name}</span>
          <span className="alarm-brief"><Brief alarm={alarm} shape={shape} /></span>
        </span>
        <span className="alarm-name" role="gridcell">{alarm.name}{alarm.times_raised > 1 && <span className="caption"> {t("alarm.times", { count: alarm.times_raised })}</span>}</span>
        <span className="alarm-value-cell" role="gridcell"><ValueAndLimit alarm={alarm} /></span>
        <span className="alarm-age" role="gridcell">
          {shape === "returned" ? <>{t("alarm.returned_at")} {hourMinute(alarm.returned_at, zone)}</> : <Age since={alarm.raised_at} />}
        </span>
        <span className="alarm-state" role="gridcell" onClick={(event) => owed && event.stopPropagation()}>
          {isLatched(alarm) && <span className="chip">{t("alarm.latched")}</span>}
          {!owed && t("alarm.who_when", { who: alarm.acknowledged_by ?? "", at: alarm.acknowledged_at === null ? "" : hourMinute(alarm.acknowledged_at, zone) })}
          {owed && (open || !mayAcknowledge) && <span className="chip">{t("alarm.not_acked")}</span>}
          {owed && !open && mayAcknowledge && <AckButton alarm={alarm} onAsk={() => act.ask(alarm.id, "ack")} />}
        </span>
        <span className="alarm-chevron" role="gridcell">
          <button type="button" className="chevron-button" tabIndex={-1} aria-label={t(open ? "alarm.close" : "alarm.open")} aria-expanded={open} onClick={(event) => { event.stopPropagation(); act.toggle(alarm.id); }}>
            <Chevron open={open} />
          </button>
        </span>
      </div>
      {open && <Details alarm={alarm} place={place} asking={asking} mayAcknowledge={mayAcknowledge} mayShelve={mayShelve} act={act} />}
    </div>
  );
});

/* On a phone the second line says what the columns say elsewhere. */
function Brief({ alarm, shape }) {
  const zone = useZone();
  if (shape === "returned") return <>{t("alarm.returned_at")} {hourMinute(alarm.returned_at, zone)}</>;
  if (shape === "acked") return <Age since={alarm.raised_at} />;
  return <Moment at={alarm.raised_at} />;
}

function Details({ alarm, place, asking, mayAcknowledge, mayShelve, act }) {
  const owed = needsAcknowledging(alarm);
  const steps = alarm.action.split("\n").map((step) => step.trim()).filter(Boolean);
  return (
    <div className="alarm-details" role="gridcell">
      <div className="alarm-words">
        <dl>
          <Fact term={t("alarm.cause")} text={alarm.cause} />
          <Fact term={t("alarm.consequence")} text={alarm.consequence} />
          {steps.length > 0 && (
            <>
              <dt className="alarm-do">{t("alarm.action")}</dt>
              <dd className="alarm-do">{steps.length === 1 ? steps[0] : <ol className="alarm-steps">{steps.map((step) => <li key={step}>{step}</li>)}</ol>}</dd>
            </>
          )}
          <dt>{t("alarm.priority")}</dt>
          <dd className="quiet">{t("alarm.priority_name", { priority: alarm.priority })}</dd>
          <Fact term={t("alarm.source")} text={t("alarm.source_of", { source: sourceOf(alarm) })} />
          <Fact term={t("alarm.note")} text={alarm.comment} />
        </dl>
        {asking === "shelve" ? (
          <ShelveForm alarm={alarm} onDone={act.done} onCancel={act.done} />
        ) : asking ? (
          <CommentForm alarm={alarm} purpose={asking} required={asking === "ack" && alarm.comment_required} onDone={act.done} onCancel={act.done} />
        ) : (
          <div className="alarm-actions">
            {owed && mayAcknowledge && (
              <AckButton alarm={alarm} primary label={t("alarm.acknowledge")} hint={<KeyHint>A</KeyHint>} onAsk={() => act.ask(alarm.id, "ack")} />
            )}
            {mayAcknowledge && (
              <button type="button" className="button" onClick={() => act.ask(alarm.id, "note")}>{t("alarm.add_note")}<KeyHint>C</KeyHint></button>
            )}
            {mayShelve && alarm.shelvable && (
              <button type="button" className="button" onClick={() => act.ask(alarm.id, "shelve")}>{t("shelf.shelve")}<KeyHint>S</KeyHint></button>
            )}
            {mayAcknowledge && alarm.state === "F" && <ResetButton alarm={alarm} />}
            <Go to={pageOf(alarm.asset_id)}>{isOwn(alarm) ? t("alarm.open_system") : t("alarm.open_asset", { code: place?.asset.code ?? alarm.asset_id })}</Go>
          </div>
        )}
      </div>
      {!isOwn(alarm) && <Suspense fallback={<Skeleton height={216} />}><AlarmTrend alarm={alarm} /></Suspense>}
    </div>
  );
}

function Fact({ term, text }) {
  if (!text) return null;
  return (
    <>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </>
  );
}
