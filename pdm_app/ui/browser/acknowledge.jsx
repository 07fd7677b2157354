/* Acknowledging, with the comment that a rule may ask for, and what the server says against it. */
import { useRef, useState } from "react";
import { board } from "./alarms.js";
import { useFrozen } from "./hooks.js";
import { codeOf } from "./link.js";
import { t } from "./messages.js";

/** {run, busy, error}: runs a mutation once at a time; its error stays until the next run. */
export function useAct() {
  const [state, setState] = useState({ busy: false, error: null });
  const running = useRef(false);
  const run = async (work) => {
    if (running.current) return false;
    running.current = true;
    setState({ busy: true, error: null });
    try {
      await work();
      setState({ busy: false, error: null });
      return true;
    } catch (error) {
      setState({ busy: false, error });
      return false;
    } finally {
      running.current = false;
    }
  };
  return { ...state, run, forget: () => setState({ busy: false, error: null }) };
}

/** What the server says against an act, in one line. */
export function ActError({ error }) {
  if (!error) return null;
  return <p className="act-error" role="alert">{codeOf(error) ? error.message : t("error.unreachable")}</p>;
}

/** Acknowledge one alarm at once, or first ask for the comment its rule wants. */
export function AckButton({ alarm, primary = false, onAsk, hint = null, label = t("alarm.ack") }) {
  const { run, busy, error } = useAct();
  const frozen = useFrozen(); // Nobody acknowledges what may have changed long ago.
  const click = (event) => {
    event.stopPropagation();
    if (alarm.comment_required && onAsk) onAsk();
    else run(() => board.acknowledge(alarm));
  };
  return (
    <span className="ack">
      <button type="button" className={`button ${primary ? "button-primary" : ""}`} disabled={busy || frozen} onClick={click} data-ack={alarm.id}>
        {label}{hint}
      </button>
      {error && <ActError error={error} />}
    </span>
  );
}

/** A comment for an acknowledgement or a note. `required` refuses to send nothing. */
export function CommentForm({ alarm, purpose, required, onDone, onCancel }) {
  const [comment, setComment] = useState("");
  const { run, busy, error } = useAct();
  const missing = required && !comment.trim();
  const submit = async (event) => {
    event.preventDefault();
    if (missing) return;
    const sent = purpose === "note" ? () => board.comment(alarm, comment.trim()) : () => board.acknowledge(alarm, comment.trim());
    if (await run(sent)) onDone();
  };
  return (
    <form className="comment-form" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), onCancel())}>
      <label className="field">
        <span className="field-label">{t(purpose === "note" ? "alarm.note_label" : required ? "alarm.comment_required" : "alarm.comment_label")}</span>
        <textarea className="input" rows={2} maxLength={2000} autoFocus value={comment} onChange={(event) => setComment(event.target.value)} />
      </label>
      <ActError error={error} />
      <div className="comment-actions">
        <button type="submit" className="button button-primary" disabled={busy || missing || (purpose === "note" && !comment.trim())}>
          {t(purpose === "note" ? "alarm.save_note" : "alarm.acknowledge")}
        </button>
        <button type="button" className="button" onClick={onCancel}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}
