/* Cases: what engineers look into, with the story of each and what is decided about it. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal } from "./form_parts.jsx";
import { useNow, useQuery } from "./hooks.js";
import { link } from "./link.js";
import { Lasting, money, SeverityWord } from "./maintenance_parts.jsx";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";

const DECISIONS = {
  open: ["confirm", "reject", "snooze"],
  snoozed: ["confirm", "reject", "snooze", "wake"],
  confirmed: ["close", "reject", "reopen"],
  rejected: ["close", "confirm", "reopen"],
  closed: ["reopen"],
};
const SNOOZES_D = [1, 3, 7, 30];
const DAY_US = 86_400e6;

export function CaseList({ siteId, places, onShow }) {
  const [closed, setClosed] = useState(false);
  const { answer, error, again } = useQuery("cases.list", { site_id: siteId || null, is_closed: closed, limit: 200 });
  return (
    <section className="card">
      <label className="check-line"><input type="checkbox" className="checkbox" checked={closed} onChange={(event) => setClosed(event.target.checked)} /><span>{t("cases.show_closed")}</span></label>
      {error && !answer && <ErrorNote what={t("cases.failed")} error={error} again={again} />}
      {!answer && !error && <Skeleton height={120} />}
      {answer?.cases.length === 0 && <EmptyNote title={t("cases.empty")} text={t("cases.empty_hint")} />}
      {answer?.cases.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("cases.title")}</th><th>{t("maintenance.machine")}</th><th>{t("cases.state_of")}</th><th>{t("cases.changed")}</th></tr></thead>
          <tbody>
            {answer.cases.map((found) => (
              <tr key={found.id}>
                <td><button type="button" className="link" onClick={() => onShow(found)}>{found.title}</button></td>
                <td data-label={t("maintenance.machine")} className="code">{places.get(found.asset_id)?.asset.code ?? found.asset_id}</td>
                <td data-label={t("cases.state_of")}><CaseState found={found} /></td>
                <td data-label={t("cases.changed")}><Moment at={found.changed_at} /> <span className="caption">{found.changed_by}</span></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {answer?.before && <p className="caption">{t("cases.cut")}</p>}
    </section>
  );
}

function CaseState({ found }) {
  return (
    <>
      {t("cases.state", { state: found.state })}
      {found.label && <span className="caption"> {found.label}</span>}
      {found.snoozed_until && <span className="caption"> {t("cases.until")} <Moment at={found.snoozed_until} /></span>}
    </>
  );
}

export function CaseForm({ machines, event, onDone }) {
  const { run, busy, error } = useAct();
  const submit = (submitted) => {
    submitted.preventDefault();
    const form = new FormData(submitted.currentTarget);
    run(async () => {
      const said = { asset_id: event?.asset_id ?? form.get("asset_id"), title: form.get("title"), text: form.get("text") };
      onDone(await link().mutate("cases.open", { ...said, event_ids: event ? [event.id] : [], alarm_ids: event?.alarm_id ? [event.alarm_id] : [] }));
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error, ["title"])} />
      {!event && (
        <Field as="select" label={t("maintenance.machine")} name="asset_id" required>
          {machines.map((asset) => <option key={asset.id} value={asset.id}>{asset.code} {asset.name}</option>)}
        </Field>
      )}
      <Field label={t("cases.title")} name="title" required maxLength={120} autoComplete="off" defaultValue={event?.name ?? ""} error={faultOf(error, "title")} />
      <Field as="textarea" label={t("cases.suspicion")} name="text" maxLength={2000} />
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("cases.open")}</button></div>
    </form>
  );
}

/** One case: what it gathers, its story, and what can be decided now. */
export function CaseFacts({ id, places, mayWrite, onChanged }) {
  const { answer, error, again } = useQuery("cases.show", { case_id: id });
  const [deciding, setDeciding] = useState(null);
  const { run, busy, error: refused, forget } = useAct();
  if (error && !answer) return <ErrorNote what={t("cases.failed")} error={error} again={again} />;
  if (!answer) return <Skeleton height={120} />;
  const { case: found, entries, alarms, events } = answer;
  const change = (path, said) => run(async () => {
    await link().mutate(path, { case_id: id, ...said });
    setDeciding(null);
    again();
    onChanged();
  });
  const note = (submitted) => {
    submitted.preventDefault();
    change("cases.note", { text: new FormData(submitted.currentTarget).get("text") });
  };
  return (
    <div className="stack">
      <h3>{found.title}</h3>
      <p><Go to={`/asset/${found.asset_id}`} className="link code">{places.get(found.asset_id)?.asset.code ?? found.asset_id}</Go> · <CaseState found={found} /></p>
      {(events.length > 0 || alarms.length > 0) && (
        <ul className="stack" aria-label={t("cases.gathered")}>
          {events.map((event) => (
            <li key={event.id}><p>{event.name}</p><p className="caption"><SeverityWord severity={event.severity} />, <Lasting event={event} />, {money(event.cost, event.currency)}</p></li>
          ))}
          {alarms.map((alarm) => (
            <li key={alarm.id}><p>{alarm.name}</p><p className="caption">{t("cases.alarm")}, <Moment at={alarm.raised_at} /></p></li>
          ))}
        </ul>
      )}
      <ol className="stack" aria-label={t("cases.story")}>
        {entries.map((entry) => (
          <li key={entry.id}>
            <span className="caption"><Moment at={entry.at} /> {entry.actor}</span>{" "}
            {t("cases.act", { act: entry.act, label: entry.label, count: entry.act === "linked" ? Number(entry.text) : 0 })}
            {entry.until && <> {t("cases.until")} <Moment at={entry.until} /></>}
            {entry.act !== "linked" && entry.text && <p>{entry.text}</p>}
          </li>
        ))}
      </ol>
      <ActError error={refused} />
      {mayWrite && !deciding && (
        <div className="note-actions">
          {DECISIONS[found.state].map((decision) => (
            <button key={decision} type="button" className="button" disabled={busy} onClick={() => { forget(); setDeciding(decision); }}>{t("cases.decision", { decision })}</button>
          ))}
        </div>
      )}
      {mayWrite && deciding && <Deciding key={deciding} decision={deciding} busy={busy} onSend={(said) => change("cases.decide", { decision: deciding, revision: found.revision, ...said })} onCancel={() => setDeciding(null)} />}
      {mayWrite && (
        <form className="entrance-form" key={found.revision} onSubmit={note}>
          <Field as="textarea" label={t("cases.note")} name="text" required maxLength={2000} />
          <div className="note-actions"><button type="submit" className="button" disabled={busy}>{t("cases.add_note")}</button></div>
        </form>
      )}
    </div>
  );
}

/** What a decision asks for: the label of a verdict, the reason and the time of a snooze. */
function Deciding({ decision, busy, onSend, onCancel }) {
  const now = useNow();
  const isVerdict = decision === "confirm" || decision === "reject";
  const submit = (submitted) => {
    submitted.preventDefault();
    const form = new FormData(submitted.currentTarget);
    const until = decision === "snooze" ? Math.round(now + Number(form.get("days")) * DAY_US) : null;
    onSend({ label: form.get("label") ?? "", text: form.get("text"), until });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      {isVerdict && <Field label={t("cases.label", { decision })} name="label" required maxLength={120} autoComplete="off" hint={t("cases.label_hint")} />}
      {decision === "snooze" && (
        <Field as="select" label={t("cases.snooze_for")} name="days">
          {SNOOZES_D.map((days) => <option key={days} value={days}>{t("cases.days", { count: days })}</option>)}
        </Field>
      )}
      <Field as="textarea" label={t(decision === "snooze" ? "cases.why" : "cases.remark")} name="text" required={decision === "snooze"} maxLength={2000} />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy || now === null}>{t("cases.decision", { decision })}</button>
        <button type="button" className="button" onClick={onCancel}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}
