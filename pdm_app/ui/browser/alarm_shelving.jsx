/* Keeping an alarm silent for a while, and letting a latched one go. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { board } from "./alarms.js";
import { duration } from "./format.js";
import { useFrozen } from "./hooks.js";
import { t } from "./messages.js";

const SPANS_S = [900, 3_600, 4 * 3_600, 8 * 3_600, 24 * 3_600, 7 * 86_400];

/** The spans for which a rule may be shelved. */
export const spansOf = (alarm) => {
  const fitting = SPANS_S.filter((seconds) => seconds <= alarm.shelve_s_max);
  return fitting.length ? fitting : [alarm.shelve_s_max];
};

export function ShelveForm({ alarm, onDone, onCancel }) {
  const [reason, setReason] = useState("");
  const [forS, setForS] = useState(spansOf(alarm)[0]);
  const [oneShot, setOneShot] = useState(false);
  const { run, busy, error } = useAct();
  const submit = async (event) => {
    event.preventDefault();
    if (reason.trim() && (await run(() => board.shelve(alarm, forS, reason.trim(), oneShot)))) onDone();
  };
  return (
    <form className="comment-form" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), onCancel())}>
      <div className="segments" role="group" aria-label={t("shelf.how_long")}>
        {spansOf(alarm).map((seconds) => (
          <button key={seconds} type="button" className="segment" aria-pressed={forS === seconds} onClick={() => setForS(seconds)}>{duration(seconds)}</button>
        ))}
      </div>
      <label className="field">
        <span className="field-label">{t("shelf.reason")}</span>
        <textarea className="input" rows={2} maxLength={2000} required autoFocus value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
      <label className="check">
        <input type="checkbox" className="checkbox" checked={oneShot} onChange={(event) => setOneShot(event.target.checked)} /> {t("shelf.one_shot")}
      </label>
      <ActError error={error} />
      <div className="comment-actions">
        <button type="submit" className="button button-primary" disabled={busy || !reason.trim()}>{t("shelf.shelve")}</button>
        <button type="button" className="button" onClick={onCancel}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}

export function ResetButton({ alarm }) {
  const { run, busy, error } = useAct();
  const frozen = useFrozen();
  return (
    <span className="ack">
      <button type="button" className="button" disabled={busy || frozen} onClick={() => run(() => board.reset(alarm))}>{t("alarm.reset")}</button>
      <ActError error={error} />
    </span>
  );
}
