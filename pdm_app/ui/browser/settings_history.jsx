/* Who changed which settings, when and why; any two revisions compared, and each one brought back. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Field, Sheet } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { Changes } from "./settings_changes.jsx";

const PAGE = 50;

export function SettingsHistory({ view, mayWrite, onChanged }) {
  const [before, setBefore] = useState(null);
  const [open, setOpen] = useState(null); // {compare: [older, newer]} or {back: number}
  const { answer, error, again } = useQuery("settings.history", { before, limit: PAGE });
  if (error && !answer) return <section className="card"><ErrorNote what={t("general.history_failed")} error={error} again={again} /></section>;
  const done = () => {
    setOpen(null);
    setBefore(null);
    again();
    onChanged();
  };
  return (
    <section className="card people">
      <header className="card-head"><h2>{t("general.tab.history")}</h2></header>
      {!answer && <Skeleton height={160} />}
      {answer?.revisions.length === 0 && <EmptyNote title={t("general.no_history")} text={t("general.no_history_hint")} />}
      {answer?.revisions.length > 0 && (
        <table className="table people-table">
          <thead>
            <tr>
              <th>{t("general.revision_column")}</th><th>{t("general.when")}</th><th>{t("general.who")}</th>
              <th>{t("general.changed")}</th><th>{t("general.why")}</th><th><span className="visually-hidden">{t("general.acts")}</span></th>
            </tr>
          </thead>
          <tbody>
            {answer.revisions.map((head) => (
              <tr key={head.number}>
                <td>{head.number}</td>
                <td data-label={t("general.when")}><Moment at={head.at} /></td>
                <td data-label={t("general.who")}>{head.actor}</td>
                <td data-label={t("general.changed")} className="code caption">{head.changed.join(", ")}</td>
                <td data-label={t("general.why")}>{head.reason}</td>
                <td>
                  <span className="note-actions">
                    <button type="button" className="button button-small" onClick={() => setOpen({ compare: [head.number - 1, head.number] })}>{t("general.compare")}</button>
                    {mayWrite && head.number !== view.revision && (
                      <button type="button" className="button button-small" onClick={() => setOpen({ back: head.number })}>{t("general.back")}</button>
                    )}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="note-actions general-more">
        {answer?.before && <button type="button" className="button" onClick={() => setBefore(answer.before)}>{t("general.older")}</button>}
        {mayWrite && view.revision > 0 && <button type="button" className="button" onClick={() => setOpen({ back: 0 })}>{t("general.all_back")}</button>}
      </div>
      {open?.compare && <CompareSheet newest={view.revision} given={open.compare} onClose={() => setOpen(null)} />}
      {open?.back !== undefined && <BackSheet number={open.back} onClose={() => setOpen(null)} onDone={done} />}
    </section>
  );
}

function CompareSheet({ newest, given, onClose }) {
  const [[older, newer], setPair] = useState(given);
  const isGood = [older, newer].every((number) => Number.isInteger(number) && number >= 0 && number <= newest);
  const { answer, error } = useQuery("settings.difference", isGood ? { older, newer } : null);
  const number = (label, value, set) => (
    <Field label={label} type="number" min={0} max={newest} value={value} onChange={(event) => set(event.target.valueAsNumber)} />
  );
  return (
    <Sheet title={t("general.compare_title")} onClose={onClose}>
      <div className="inline-form">
        {number(t("general.older_one"), older, (value) => setPair([value, newer]))}
        {number(t("general.newer_one"), newer, (value) => setPair([older, value]))}
      </div>
      <ActError error={error} />
      {answer && <Changes changes={answer} />}
    </Sheet>
  );
}

function BackSheet({ number, onClose, onDone }) {
  const { answer, error } = useQuery("settings.review_back", { number });
  const [reason, setReason] = useState("");
  const { run, busy, error: refusal } = useAct();
  const go = () => run(async () => {
    await link().mutate("settings.go_back", { number, base: answer.base, reason: reason.trim() });
    onDone();
  });
  return (
    <Sheet title={t("general.back_title", { number })} onClose={onClose}>
      <ActError error={refusal ?? error} />
      {answer && <Changes changes={answer.changes} leftOut={answer.left_out} />}
      <Field label={t("general.reason")} as="textarea" rows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.target.value)} />
      <div className="note-actions">
        <button type="button" className="button button-primary" disabled={busy || !answer || answer.changes.length === 0} onClick={go}>{t("general.back")}</button>
        <button type="button" className="button" onClick={onClose}>{t("action.cancel")}</button>
      </div>
    </Sheet>
  );
}
