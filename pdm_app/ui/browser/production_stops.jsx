/* The stops of a line: those that wait for a reason first, and a reason in two taps: branch, leaf. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { hourMinute } from "./format.js";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { minutes, reasonName, stateName } from "./production_words.js";

const SHOWN = 12;
const STOPS_US_MAX = 35 * 86_400_000_000;

/** `only` is {state, reason_id, …} of the stops to show; null for all of them. */
export function Stops({ lineId, span, round, reasons, only = null, onAll, mayRecord, onSaid, onLook }) {
  const begin = Math.max(span.begin_at, span.end_at - STOPS_US_MAX);
  const { answer, error, again } = useQuery("production.stops", { line_id: lineId, begin_at: begin, end_at: span.end_at, limit: 200 });
  const [all, setAll] = useState(false);
  useEffect(() => { if (round) again(); }, [round]);
  if (error && !answer) return <section className="card"><ErrorNote what={t("production.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={160} /></section>;
  const meant = only ? answer.filter((stop) => stop.state === only.state && stop.reason_id === only.reason_id) : answer;
  const waiting = meant.filter((stop) => waits(stop));
  const said = meant.filter((stop) => !waits(stop));
  const lost = waiting.reduce((sum, stop) => sum + seconds(stop), 0);
  const rest = all ? said : said.slice(0, Math.max(0, SHOWN - waiting.length));
  return (
    <section className="card stack" id="stops">
      <header className="card-head">
        <h2>{t("production.stops")}</h2>
        <span className="caption push">{t("production.without_reason", { count: waiting.length, minutes: minutes(lost) })}</span>
      </header>
      {only && <div className="note-actions"><span className="chip">{reasonName(only, only.state)}</span><button type="button" className="link" onClick={onAll}>{t("production.show_all")}</button></div>}
      {meant.length === 0 && <EmptyNote title={t("production.no_stops")} />}
      <ul className="stop-list">
        {[...(all ? waiting : waiting.slice(0, SHOWN)), ...rest].map((stop) => (
          <Stop key={`${stop.asset_id} ${stop.begin_at}`} stop={stop} reasons={reasons} mayRecord={mayRecord && !stop.is_locked} onSaid={onSaid} onLook={onLook} />
        ))}
      </ul>
      {!all && meant.length > SHOWN && <button type="button" className="button" onClick={() => setAll(true)}>{t("production.all_stops", { count: meant.length })}</button>}
    </section>
  );
}

const waits = (stop) => stop.reason_id === null && (stop.state === "down" || stop.state === "idle");
const seconds = (stop) => (stop.end_at - stop.begin_at) / 1e6;

function Stop({ stop, reasons, mayRecord, onSaid, onLook }) {
  const zone = useZone();
  const { run, busy, error } = useAct();
  const [branch, setBranch] = useState(null);
  const [open, setOpen] = useState(waits(stop));
  const leaf = reasons.find((reason) => reason.id === stop.reason_id);
  const suggested = reasons.find((reason) => reason.id === stop.suggested_reason_id);
  const say = (reason) => run(async () => {
    const at = Math.floor((stop.begin_at + stop.end_at) / 2); // Inside, whatever late samples do to the edges.
    await link().mutate("production.say", { asset_id: stop.asset_id, facts: { kind: "reason", at, reason_id: reason.id } });
    setOpen(false);
    setBranch(null);
    onSaid();
  });
  const takeBack = () => run(async () => {
    await link().mutate("production.take_back", { shift_id: stop.shift_id, edit_id: stop.edit_ids.at(-1) });
    setOpen(true);
    onSaid();
  });
  const offered = reasons.filter((reason) => !reason.is_retired && reason.parent_id === (branch?.id ?? null));
  const tap = (reason) => (!branch && reasons.some((other) => other.parent_id === reason.id) ? setBranch(reason) : say(reason));
  return (
    <li className="stop" data-waits={waits(stop)}>
      <div className="stop-words">
        <strong><span className="code">{stop.code}</span> {t("production.at", { time: hourMinute(stop.begin_at, zone) })}{stop.goes_on && ` · ${t("production.goes_on")}`}</strong>
        <strong className="push">{minutes(seconds(stop))} min</strong>
      </div>
      <div className="stop-words">
        <span>{leaf ? reasonName(leaf, stop.state) : stateName(stop.state)}</span>
        {stop.alarm && <span className="caption">{t("production.first_alarm", { alarm: stop.alarm })}</span>}
        <span className="push">
          {onLook && <button type="button" className="link" onClick={() => onLook({ asset_id: stop.asset_id, code: stop.code }, { begin: stop.begin_at, end: stop.end_at, state: stop.state, reason_id: stop.reason_id })}>{t("production.look")}</button>}
          {mayRecord && stop.by_hand && stop.edit_ids.length > 0 && <button type="button" className="link" disabled={busy} onClick={takeBack}>{t("production.take_back")}</button>}
          {mayRecord && !open && <button type="button" className="link" onClick={() => setOpen(true)}>{t("production.change_reason")}</button>}
        </span>
      </div>
      {mayRecord && open && (
        <div className="stop-reasons" role="group" aria-label={t("production.which_reason")}>
          {suggested && !branch && <button type="button" className="button button-primary" disabled={busy} onClick={() => say(suggested)}>{reasonName(suggested, stop.state)}</button>}
          {offered.map((reason) => <button key={reason.id} type="button" className="button" disabled={busy} onClick={() => tap(reason)}>{reasonName(reason, stop.state)}{!branch && reasons.some((other) => other.parent_id === reason.id) ? " …" : ""}</button>)}
          {branch && <button type="button" className="link" onClick={() => setBranch(null)}>{t("production.back")}</button>}
        </div>
      )}
      <ActError error={error} />
    </li>
  );
}
