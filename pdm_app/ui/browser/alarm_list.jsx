/* The active alarms: grouped by what is owed to them, worked by mouse, finger or keyboard. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { ActError, useAct } from "./acknowledge.jsx";
import { AlarmCounts } from "./alarm_parts.jsx";
import { AlarmKeys, useAlarmKeys } from "./alarm_keys.jsx";
import { AlarmRow } from "./alarm_row.jsx";
import { board, needsAcknowledging, useAlarms } from "./alarms.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { useVirtual } from "./virtual.js";

const VIRTUAL_FROM = 200; // Shorter lists are drawn whole, so that the browser's own search finds every row.
const ROW_PX = 44;
const HEAD_PX = 30;
const OPEN_PX = 320;

export function AlarmList({ siteId = "", mayAcknowledge = false }) {
  const { alarms, loaded, error } = useAlarms(siteId);
  const [open, setOpen] = useState(() => new Set());
  const [selected, setSelected] = useState(() => new Set());
  const [current, setCurrent] = useState(null);
  const [asking, setAsking] = useState(null); // {id, purpose}
  const [helping, setHelping] = useState(false);
  const navigate = useNavigate();
  const bulk = useAct();

  const owed = useMemo(() => alarms.filter(needsAcknowledging), [alarms]);
  const rest = useMemo(() => alarms.filter((alarm) => !needsAcknowledging(alarm)), [alarms]);
  const rows = useMemo(() => [...owed, ...rest], [owed, rest]);
  const chosen = owed.filter((alarm) => selected.has(alarm.id));

  useFirstOpen(owed, loaded, setOpen, setCurrent);
  useEffect(() => {
    // A row that has gone gives its place to the one that follows it.
    if (rows.length && !rows.some((row) => row.id === current)) setCurrent(rows[0].id);
  }, [rows, current]);

  const toggle = useCallback((id) => setOpen((before) => toggled(before, id)), []);
  const select = useCallback((id) => setSelected((before) => toggled(before, id)), []);
  const act = useMemo(() => ({
    toggle,
    select,
    focus: setCurrent,
    ask: (id, purpose) => {
      setOpen((before) => new Set(before).add(id));
      setAsking({ id, purpose });
    },
    done: () => setAsking(null),
  }), [toggle, select]);

  const acknowledgeChosen = () => {
    if (chosen.some((alarm) => alarm.comment_required)) setAsking({ id: "chosen", purpose: "ack" });
    else bulk.run(() => acknowledgeAll(chosen, "", setSelected));
  };
  const acknowledgeCurrent = () => {
    const alarm = rows.find((row) => row.id === current);
    if (!mayAcknowledge || !alarm || !needsAcknowledging(alarm)) return;
    if (alarm.comment_required) act.ask(alarm.id, "ack");
    else bulk.run(() => board.acknowledge(alarm));
  };
  useAlarmKeys({
    move: (step) => move(rows, current, step, setCurrent),
    acknowledge: () => (chosen.length ? acknowledgeChosen() : acknowledgeCurrent()),
    comment: () => mayAcknowledge && current && act.ask(current, "note"),
    open: () => {
      const alarm = rows.find((row) => row.id === current);
      if (alarm) navigate(`/asset/${alarm.asset_id}`);
    },
    toggle: () => current && toggle(current),
    select: () => mayAcknowledge && owed.some((row) => row.id === current) && select(current),
    help: () => setHelping(true),
    escape: () => (setAsking(null), setSelected(new Set())),
  });

  const items = useMemo(() => [
    ...(owed.length ? [{ key: "head-owed", head: "alarms.not_acknowledged", count: owed.length }] : []),
    ...owed.map((alarm) => ({ key: alarm.id, alarm })),
    ...(rest.length ? [{ key: "head-rest", head: "alarms.acknowledged", count: rest.length }] : []),
    ...rest.map((alarm) => ({ key: alarm.id, alarm })),
  ], [owed, rest]);
  const estimate = (item) => (item.head ? HEAD_PX : open.has(item.key) ? OPEN_PX : ROW_PX);
  const { box, from, to, before, after, measure } = useVirtual(items, estimate, items.length > VIRTUAL_FROM);

  if (!loaded && error) return <section className="card"><ErrorNote what={t("alarms.failed")} error={error} again={() => board.again()} /></section>;
  if (!loaded) return <section className="card alarms-loading">{[1, 2, 3, 4].map((row) => <Skeleton key={row} height={28} />)}</section>;
  if (!rows.length) {
    return <section className="card"><EmptyNote title={t("alarms.none")} text={t("alarms.none_text")} /></section>;
  }
  return (
    <>
      <div className="phone-only"><AlarmCounts siteId={siteId} /></div>
      <section className="card alarms" role="grid" aria-label={t("alarms.list_label")} aria-rowcount={rows.length}>
        <Head mayAcknowledge={mayAcknowledge} chosen={chosen.length} box={box} owed={owed} setSelected={setSelected} />
        {chosen.length > 0 && (
          <div className="alarms-chosen" role="status">
            {asking?.id === "chosen" ? (
              <CommentForMany alarms={chosen} run={(comment) => bulk.run(() => acknowledgeAll(chosen, comment, setSelected))} onDone={() => setAsking(null)} />
            ) : (
              <>
                <span className="strong">{t("alarms.chosen", { count: chosen.length })}</span>
                <button type="button" className="button button-primary" disabled={bulk.busy} onClick={acknowledgeChosen}>{t("alarms.acknowledge_chosen", { count: chosen.length })}</button>
                <button type="button" className="button" onClick={() => setSelected(new Set())}>{t("action.clear")}</button>
              </>
            )}
          </div>
        )}
        {bulk.error && <div className="alarms-error"><ActError error={bulk.error} /><button type="button" className="button button-small" onClick={bulk.forget}>{t("action.dismiss")}</button></div>}
        <div className="alarm-rows" ref={box}>
          {before > 0 && <div style={{ height: before }} />}
          {items.slice(from, to).map((item) =>
            item.head ? (
              <h2 key={item.key} className="alarms-group" role="row">
                <span role="gridcell">{t(item.head)} <span className="quiet">{item.count}</span></span>
                {item.key === "head-owed" && <button type="button" className="alarms-hint" onClick={() => setHelping(true)}>{t("alarms.hint")}</button>}
              </h2>
            ) : (
              <AlarmRow
                key={item.key} alarm={item.alarm} open={open.has(item.key)} selected={selected.has(item.key)} current={current === item.key}
                asking={asking?.id === item.key ? asking.purpose : null} mayAcknowledge={mayAcknowledge} act={act} measure={measure}
                position={rows.indexOf(item.alarm) + 1} total={rows.length}
              />
            ),
          )}
          {after > 0 && <div style={{ height: after }} />}
        </div>
      </section>
      <AlarmKeys open={helping} close={() => setHelping(false)} />
    </>
  );
}

/* The worst alarm is open when the page opens, so that its action is read without a click; once only. */
function useFirstOpen(owed, loaded, setOpen, setCurrent) {
  const done = useRef(false);
  useEffect(() => {
    if (done.current || !loaded) return;
    done.current = true;
    const wanted = new URLSearchParams(globalThis.location?.search).get("alarm");
    const first = owed.find((alarm) => alarm.id === wanted) ?? owed[0];
    if (!first) return;
    setOpen(new Set([first.id]));
    setCurrent(first.id);
  }, [owed, loaded, setOpen, setCurrent]);
}

function toggled(before, id) {
  const next = new Set(before);
  if (!next.delete(id)) next.add(id);
  return next;
}

function move(rows, current, step, setCurrent) {
  const index = rows.findIndex((row) => row.id === current);
  const next = rows[Math.min(rows.length - 1, Math.max(0, index + step))];
  if (!next) return;
  setCurrent(next.id);
  requestAnimationFrame(() => document.querySelector(`[data-alarm="${CSS.escape(next.id)}"]`)?.focus({ preventScroll: false }));
}

/* All are sent at once and answered one by one; what was refused stays selected, and the first reason is shown. */
async function acknowledgeAll(alarms, comment, setSelected) {
  const outcomes = await Promise.allSettled(alarms.map((alarm) => board.acknowledge(alarm, comment)));
  setSelected(new Set(alarms.filter((_, index) => outcomes[index].status === "rejected").map((alarm) => alarm.id)));
  const refused = outcomes.find((outcome) => outcome.status === "rejected");
  if (refused) throw refused.reason;
}

function CommentForMany({ alarms, run, onDone }) {
  const [comment, setComment] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    if (comment.trim() && (await run(comment.trim()))) onDone();
  };
  return (
    <form className="comment-form" onSubmit={submit}>
      <label className="field">
        <span className="field-label">{t("alarms.comment_for", { count: alarms.length })}</span>
        <textarea className="input" rows={2} maxLength={2000} autoFocus value={comment} onChange={(event) => setComment(event.target.value)} />
      </label>
      <div className="comment-actions">
        <button type="submit" className="button button-primary" disabled={!comment.trim()}>{t("alarms.acknowledge_chosen", { count: alarms.length })}</button>
        <button type="button" className="button" onClick={onDone}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}

/* The box in the head selects what can be seen, never what lies further down unread. */
function Head({ mayAcknowledge, chosen, box, owed, setSelected }) {
  const check = useRef(null);
  useEffect(() => {
    if (check.current) check.current.indeterminate = chosen > 0 && chosen < owed.length;
  }, [chosen, owed.length]);
  const choose = () => {
    if (chosen) {
      setSelected(new Set());
      return;
    }
    const waiting = new Set(owed.map((alarm) => alarm.id));
    const seen = [...box.current.querySelectorAll("[data-alarm]")].filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return bottom > 0 && top < innerHeight && waiting.has(row.dataset.alarm);
    });
    setSelected(new Set(seen.map((row) => row.dataset.alarm)));
  };
  return (
    <div className="alarm-line alarms-head" role="row">
      <span className="alarm-check" role="columnheader">
        {mayAcknowledge && owed.length > 0 && (
          <input ref={check} type="checkbox" className="checkbox" checked={chosen > 0 && chosen === owed.length} onChange={choose} aria-label={t("alarms.select_visible")} />
        )}
      </span>
      <span className="alarm-shape" role="columnheader">{t("alarms.col.priority")}</span>
      <span role="columnheader">{t("alarms.col.raised")}</span>
      <span role="columnheader">{t("alarms.col.asset")}</span>
      <span role="columnheader">{t("alarms.col.alarm")}</span>
      <span role="columnheader">{t("alarms.col.value")}</span>
      <span role="columnheader">{t("alarms.col.active")}</span>
      <span role="columnheader">{t("alarms.col.state")}</span>
      <span role="columnheader" />
    </div>
  );
}
