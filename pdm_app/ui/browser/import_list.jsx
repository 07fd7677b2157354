/* Imports as they stand: what a check has found, how far one is, what came of it, and the ways on and back. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { number } from "./format.js";
import { isUnderWay, shareOf, trendOf } from "./imports.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, Go, Moment } from "./parts.jsx";

const SIGNALS_SHOWN = 12;

export function ImportList({ imports, onChanged }) {
  return (
    <section className="card">
      <header className="card-head"><h2>{t("imports.title")}</h2></header>
      {imports.length === 0 ? <EmptyNote title={t("imports.empty")} text={t("imports.empty_hint")} /> : (
        <ul className="imports-list">{imports.map((one) => <One key={one.id} one={one} onChanged={onChanged} />)}</ul>
      )}
    </section>
  );
}

function One({ one, onChanged }) {
  const { run, busy, error } = useAct();
  const [sure, setSure] = useState(false);
  const act = (verb) => run(async () => {
    await link().mutate(`imports.${verb}`, { import_id: one.id });
    setSure(false);
    onChanged();
  });
  const canUndo = one.mark !== null && ["done", "failed"].includes(one.state);
  return (
    <li data-state={one.state}>
      <div className="imports-head">
        <span className="strong wraps">{one.file_name}</span>
        <span className="chip" data-state={one.state}>{t("imports.state_of", { state: one.state })}</span>
        <span className="caption">{one.owner}, <Moment at={one.asked_at} /></span>
      </div>
      {isUnderWay(one) && <progress max={100} value={one.state === "undoing" ? undefined : shareOf(one)} aria-label={t("imports.state_of", { state: one.state })} />}
      {one.problem && <p className="field-error">{one.problem}</p>}
      {one.state !== "checking" && one.samples > 0 && <Facts one={one} />}
      {one.state === "checked" && one.samples === 0 && <p className="field-error">{t("imports.nothing")}</p>}
      {one.notice && <p className="note" data-compact="true">{one.notice}</p>}
      {one.refused > 0 && <Refused one={one} />}
      {one.state === "done" && <Next one={one} />}
      <ActError error={error} />
      {sure && <p className="note note-error" data-compact="true">{t("imports.undo_sure")}</p>}
      <div className="note-actions">
        {one.state === "checked" && <button type="button" className="button button-primary" disabled={busy || !one.samples} onClick={() => act("start")}>{t("imports.start", { samples: number(one.samples) })}</button>}
        {one.state === "failed" && <button type="button" className="button" disabled={busy} onClick={() => act("start")}>{t("action.retry")}</button>}
        {["checking", "checked", "running"].includes(one.state) && <button type="button" className="button" disabled={busy} onClick={() => act("cancel")}>{t("action.cancel")}</button>}
        {canUndo && <button type="button" className="button" disabled={busy} onClick={() => (sure ? act("undo") : setSure(true))}>{t(sure ? "imports.undo_now" : "imports.undo")}</button>}
        {sure && <button type="button" className="button" onClick={() => setSure(false)}>{t("action.cancel")}</button>}
      </div>
    </li>
  );
}

function Facts({ one }) {
  const more = one.signals.length - SIGNALS_SHOWN;
  return (
    <>
      <p className="caption" role="status">
        {t("imports.facts", { rows: number(one.rows), samples: number(one.samples), repeated: one.repeated })}{" "}<Moment at={one.start_at} /> – <Moment at={one.end_at} />
        {one.state === "undone" && <> {t("imports.removed", { samples: number(one.removed) })}</>}
      </p>
      <table className="table people-table">
        <thead><tr><th>{t("imports.signal")}</th><th className="num">{t("imports.samples")}</th><th className="num">{t("imports.same")}</th><th className="num">{t("imports.other")}</th></tr></thead>
        <tbody>
          {one.signals.slice(0, SIGNALS_SHOWN).map((signal) => (
            <tr key={signal.signal_id}>
              <td>{signal.name}</td>
              <td className="num" data-label={t("imports.samples")}>{number(signal.samples)}</td>
              <td className="num" data-label={t("imports.same")}>{number(signal.same)}</td>
              <td className="num" data-label={t("imports.other")}>{number(signal.other)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && <p className="caption">{t("imports.more", { count: more })}</p>}
    </>
  );
}

const refusedOf = (one) => `/api/imports/${one.id}/refused`; // A file, not a page.

function Refused({ one }) {
  return (
    <details>
      <summary>{t("imports.refused", { count: one.refused })}</summary>
      <ul className="caption">{one.refusals.map((each, place) => <li key={place}>{t("imports.line", { line: each.line, reason: each.reason })}</li>)}</ul>
      <a className="link" href={refusedOf(one)} download>{t("imports.all_refused")}</a>
    </details>
  );
}

function Next({ one }) {
  return (
    <p>
      <Go to={trendOf(one)}>{t("imports.see")}</Go>
      {one.derived.length > 0 && <> <span className="caption">{t("imports.derived", { count: one.derived.length })}</span> <Go to="/signals">{t("imports.recalculate")}</Go></>}
    </p>
  );
}
