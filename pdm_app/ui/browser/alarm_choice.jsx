/* Several alarms acknowledged at once: only those that can be seen, with one comment if a rule wants one. */
import { useCallback, useEffect, useRef, useState } from "react";
import { toggled } from "./alarm_rows.js";
import { useAct } from "./acknowledge.jsx";
import { board } from "./alarms.js";
import { useFrozen } from "./hooks.js";
import { t } from "./messages.js";

/** What is chosen among the alarms that are owed an acknowledgement, and the acts on it. */
export function useChoice(owed, act) {
  const [selected, setSelected] = useState(() => new Set());
  const { run, busy, error, forget } = useAct();
  const frozen = useFrozen();
  const chosen = owed.filter((alarm) => selected.has(alarm.id));
  const select = useCallback((id) => setSelected((before) => toggled(before, id)), []);
  const send = (comment) => run(() => acknowledgeAll(chosen, comment, setSelected));
  return {
    selected, chosen, select, error, forget, send, busy: busy || frozen, choose: setSelected,
    clear: () => setSelected(new Set()),
    acknowledge: () => {
      if (frozen) return;
      if (chosen.some((alarm) => alarm.comment_required)) act.ask("chosen", "ack");
      else send("");
    },
    acknowledgeOne: (alarm) => {
      if (!alarm || frozen) return;
      if (alarm.comment_required) act.ask(alarm.id, "ack");
      else run(() => board.acknowledge(alarm));
    },
  };
}

/* All are sent at once and answered one by one; what was refused stays chosen, and the first reason is shown. */
async function acknowledgeAll(alarms, comment, setSelected) {
  const outcomes = await Promise.allSettled(alarms.map((alarm) => board.acknowledge(alarm, comment)));
  setSelected(new Set(alarms.filter((_, index) => outcomes[index].status === "rejected").map((alarm) => alarm.id)));
  const refused = outcomes.find((outcome) => outcome.status === "rejected");
  if (refused) throw refused.reason;
}

/** The bar over the list while something is chosen. */
export function Chosen({ choice, asking, done }) {
  const count = choice.chosen.length;
  if (!count) return null;
  return (
    <div className="alarms-chosen" role="status">
      {asking ? (
        <CommentForMany choice={choice} done={done} />
      ) : (
        <>
          <span className="strong">{t("alarms.chosen", { count })}</span>
          <button type="button" className="button button-primary" disabled={choice.busy} onClick={choice.acknowledge}>{t("alarms.acknowledge_chosen", { count })}</button>
          <button type="button" className="button" onClick={choice.clear}>{t("action.clear")}</button>
        </>
      )}
    </div>
  );
}

function CommentForMany({ choice, done }) {
  const [comment, setComment] = useState("");
  const count = choice.chosen.length;
  const submit = async (event) => {
    event.preventDefault();
    if (comment.trim() && (await choice.send(comment.trim()))) done();
  };
  return (
    <form className="comment-form" onSubmit={submit}>
      <label className="field">
        <span className="field-label">{t("alarms.comment_for", { count })}</span>
        <textarea className="input" rows={2} maxLength={2000} autoFocus value={comment} onChange={(event) => setComment(event.target.value)} />
      </label>
      <div className="comment-actions">
        <button type="submit" className="button button-primary" disabled={choice.busy || !comment.trim()}>{t("alarms.acknowledge_chosen", { count })}</button>
        <button type="button" className="button" onClick={done}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}

/** The head of the columns. Its box chooses what can be seen, never what lies further down unread. */
export function ListHead({ mayAcknowledge, choice, box, owed }) {
  const check = useRef(null);
  const count = choice.chosen.length;
  useEffect(() => {
    if (check.current) check.current.indeterminate = count > 0 && count < owed.length;
  }, [count, owed.length]);
  const chooseVisible = () => {
    if (count) {
      choice.clear();
      return;
    }
    const waiting = new Set(owed.map((alarm) => alarm.id));
    const seen = [...box.current.querySelectorAll("[data-alarm]")].filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return bottom > 0 && top < innerHeight && waiting.has(row.dataset.alarm);
    });
    choice.choose(new Set(seen.map((row) => row.dataset.alarm)));
  };
  return (
    <div className="alarm-line alarms-head" role="row">
      <span className="alarm-check" role="columnheader">
        {!(mayAcknowledge && owed.length > 0) && <span className="visually-hidden">{t("alarms.col.choice")}</span>}
        {mayAcknowledge && owed.length > 0 && (
          <input ref={check} type="checkbox" className="checkbox" checked={count > 0 && count === owed.length} onChange={chooseVisible} aria-label={t("alarms.select_visible")} />
        )}
      </span>
      <span className="alarm-shape" role="columnheader">{t("alarms.col.priority")}</span>
      {["raised", "asset", "alarm", "value", "active", "state"].map((column) => (
        <span key={column} role="columnheader">{t(`alarms.col.${column}`)}</span>
      ))}
      <span role="columnheader"><span className="visually-hidden">{t("alarms.col.open")}</span></span>
    </div>
  );
}
