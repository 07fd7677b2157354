/* Alarms that are silent now: shelved, suppressed by design, out of service; why, by whom, until when. */
import { useEffect } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { useAlarms } from "./alarms.js";
import { useCode } from "./alarm_parts.jsx";
import { duration } from "./format.js";
import { guarded } from "./guard.jsx";
import { useNow, useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";

const LOOK_EVERY_MS = 5_000;
const GROUPS = [["G", "shelf.shelved"], ["H", "shelf.suppressed"], ["I", "shelf.out_of_service"]];

export const AlarmShelf = guarded(function AlarmShelf({ siteId = "", mayShelve = false, mayService = false }) {
  const { answer, error, again } = useQuery("alarms.shelf", siteId ? { site_id: siteId } : {});
  const { alarms } = useAlarms(siteId); // What is announced anew has left the shelf.
  useEffect(() => {
    const timer = setInterval(again, LOOK_EVERY_MS);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `again` is another function each time
  }, []);
  useEffect(() => {
    again();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only another list of alarms matters
  }, [alarms.length]);
  if (error && !answer) return <section className="card"><ErrorNote what={t("shelf.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={88} /></section>;
  if (!answer.length) return <section className="card"><EmptyNote title={t("shelf.empty")} text={t("shelf.empty_text")} /></section>;
  return <div className="stack">{GROUPS.map(([state, head]) => {
    const held = answer.filter((alarm) => alarm.state === state);
    if (!held.length) return null;
    return (
      <section key={state} className="card" data-shelf={state}>
        <header className="card-head"><h2>{t(head)} <span className="quiet">{held.length}</span></h2></header>
        <div className="table-scroll">
          <table className="table">
            <thead>
              <tr>
                <th>{t("alarms.col.priority")}</th>
                <th>{t("journal.asset")}</th>
                <th>{t("journal.alarm")}</th>
                <th>{t("shelf.process")}</th>
                <th>{t("shelf.since")}</th>
                <th>{t(state === "G" ? "shelf.left" : state === "I" ? "shelf.permit" : "shelf.why")}</th>
                <th>{t("shelf.who_why")}</th>
                <th />
              </tr>
            </thead>
            <tbody>{held.map((alarm) => <Row key={alarm.id} alarm={alarm} mayShelve={mayShelve} mayService={mayService} onChanged={again} />)}</tbody>
          </table>
        </div>
      </section>
    );
  })}</div>;
});

function Row({ alarm, mayShelve, mayService, onChanged }) {
  const { run, busy, error } = useAct();
  const code = useCode(alarm);
  const end = (path) => () => run(async () => {
    await link().mutate(path, { rule_id: alarm.rule_id });
    onChanged();
  });
  return (
    <tr>
      <td><PriorityShape priority={alarm.priority} state="acked" size={18} /></td>
      <td><span className="code">{code}</span></td>
      <td>{alarm.name}<ActError error={error} /></td>
      <td>{t(alarm.abnormal ? "shelf.abnormal" : "shelf.normal")}</td>
      <td className="nowrap"><Moment at={alarm.held_at} /></td>
      <td className="nowrap">{alarm.state === "G" ? <Left until={alarm.shelved_until} oneShot={alarm.one_shot} /> : alarm.state === "I" ? alarm.permit : alarm.suppressed_by}</td>
      <td>{alarm.held_by}{alarm.hold_reason && <span className="caption"> {alarm.hold_reason}</span>}</td>
      <td className="right">
        {alarm.state === "G" && mayShelve && <button type="button" className="button" disabled={busy} onClick={end("alarms.unshelve")} aria-label={t("shelf.unshelve_named", { name: alarm.name })}>{t("shelf.unshelve")}</button>}
        {alarm.state === "I" && mayService && <button type="button" className="button" disabled={busy} onClick={end("alarms.put_back")} aria-label={t("shelf.put_back_named", { name: alarm.name })}>{t("shelf.put_back")}</button>}
      </td>
    </tr>
  );
}

function Left({ until, oneShot }) {
  const now = useNow();
  const left = now === null ? null : Math.max(0, (until - now) / 1e6);
  return <>{left === null ? "" : duration(left)}{oneShot && <span className="caption"> {t("shelf.or_return")}</span>}</>;
}
