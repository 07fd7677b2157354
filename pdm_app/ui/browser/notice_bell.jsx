/* The bell of the top bar: how many messages are not read, the list of them, and what pops up on any page. */
import { useEffect, useRef, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { needsAcknowledging, pageOf, useAlarms } from "./alarms.js";
import { guarded } from "./guard.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { NoticeBoard } from "./notice_board.js";
import { Sound } from "./notice_sound.js";
import { EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";
import { useStore } from "./use_store.js";

const GOES_MS = 15_000; // What is critical stays until somebody puts it away.
const CRITICAL = 1;
const COUNT_MAX = 99;

export const sound = new Sound(() => new AudioContext());
const board = new NoticeBoard({
  getLink: link,
  sound,
  page: { isVisible: () => document.visibilityState === "visible" },
  storage: globalThis.localStorage,
});

export const NoticeBell = guarded(function NoticeBell() {
  const { unread, popped } = useStore(board.store);
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => board.watch(), []);
  useEffect(() => {
    const looked = () => board.seen();
    document.addEventListener("visibilitychange", looked);
    return () => document.removeEventListener("visibilitychange", looked);
  }, []);
  useEffect(() => {
    if (!open) return undefined;
    const away = (event) => (event.type === "keydown" ? event.key === "Escape" : !box.current?.contains(event.target)) && setOpen(false);
    document.addEventListener("keydown", away);
    document.addEventListener("pointerdown", away);
    return () => {
      document.removeEventListener("keydown", away);
      document.removeEventListener("pointerdown", away);
    };
  }, [open]);
  return (
    <div className="menu notice-bell" ref={box}>
      <button type="button" className="bell" aria-expanded={open} aria-label={t("bell.label", { count: unread })} onClick={() => setOpen(!open)}>
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M6 8a6 6 0 0 1 12 0c0 7 3 9 3 9H3s3-2 3-9" /><path d="M10.3 21a1.94 1.94 0 0 0 3.4 0" /></svg>
        {unread > 0 && <span className="bell-count" aria-hidden="true">{unread > COUNT_MAX ? `${COUNT_MAX}+` : unread}</span>}
      </button>
      {open && <Listed onGo={() => setOpen(false)} />}
      <div className="toasts" role="region" aria-label={t("bell.toasts")}>
        {popped.map((notice) => <Toast key={notice.id} notice={notice} />)}
      </div>
    </div>
  );
});

function Listed({ onGo }) {
  const { newest, loaded, error, unread, isMuted } = useStore(board.store);
  const { run, busy, error: refused } = useAct();
  useEffect(() => {
    board.shown(newest);
  }, [newest]);
  return (
    <section className="panel bell-panel" aria-label={t("bell.title")}>
      <header className="card-head">
        <h2>{t("bell.title")}</h2>
        {unread > 0 && <button type="button" className="button button-small push" disabled={busy} onClick={() => run(() => board.readAll())}>{t("bell.read_all")}</button>}
      </header>
      <ActError error={refused} />
      {!loaded && (error ? <ErrorNote what={t("bell.failed")} error={error} compact /> : <Skeleton height={60} />)}
      {loaded && newest.length === 0 && <EmptyNote title={t("bell.none")} text={t("bell.none_text")} />}
      <ul className="bell-list">
        {newest.map((notice) => (
          <li key={notice.id} data-read={notice.is_read}>
            <PriorityShape priority={notice.priority} state={notice.is_read ? "returned" : "acked"} size={16} label={t("notices.priority", { priority: notice.priority })} />
            <div>
              <To notice={notice} onGo={onGo}>{notice.subject}</To>
              <p className="caption message-body">{notice.body}</p>
              <p className="caption"><Moment at={notice.at} /></p>
            </div>
          </li>
        ))}
      </ul>
      <footer className="note-actions">
        <button type="button" className="button button-small" aria-pressed={isMuted} onClick={() => board.mute(!isMuted)}>{t(isMuted ? "bell.unmute" : "bell.mute")}</button>
        <Go to="/settings/profile#contact" className="button button-small" onClick={onGo}>{t("bell.settings")}</Go>
      </footer>
    </section>
  );
}

/** Leads to the alarm at its machine while it stands, else to the list of alarms. */
function To({ notice, children, className = "link", onGo }) {
  const { alarms } = useAlarms();
  const alarm = notice.alarms === 1 ? alarms.find(({ id }) => id === notice.alarm_id) : undefined;
  const page = alarm ? pageOf(alarm.asset_id) : "/alarms";
  return <Go to={page.startsWith("/asset/") ? `${page}?tab=alarms` : page} className={className} onClick={onGo}>{children}</Go>;
}

function Toast({ notice }) {
  const { alarms, loaded } = useAlarms();
  const gone = () => board.putAway(notice.id);
  const isOwed = alarms.some((alarm) => alarm.id === notice.alarm_id && needsAcknowledging(alarm));
  const isOver = loaded && notice.alarms === 1 && Boolean(notice.alarm_id) && !isOwed; // Somebody has seen to it.
  useEffect(() => {
    if (isOver) gone();
  }, [isOver]);
  useEffect(() => {
    if (notice.priority <= CRITICAL) return undefined;
    const timer = setTimeout(gone, GOES_MS);
    return () => clearTimeout(timer);
  }, [notice.id]);
  return (
    <div className="toast" data-priority={notice.priority} role={notice.priority <= CRITICAL ? "alert" : "status"}>
      <PriorityShape priority={notice.priority} state="acked" size={20} label={t("notices.priority", { priority: notice.priority })} />
      <div>
        <strong>{notice.subject}</strong>
        <p className="caption message-body">{notice.body}</p>
        <div className="note-actions">
          <To notice={notice} className="button button-small" onGo={gone}>{t("bell.open")}</To>
          <button type="button" className="button button-small" onClick={gone}>{t("action.dismiss")}</button>
        </div>
      </div>
    </div>
  );
}

/** Plays what a priority sounds like, and says where the browser does not let it. */
export function SoundTest({ priority }) {
  const [said, setSaid] = useState("");
  const test = async () => setSaid((await sound.play(priority)) ? "" : t("bell.no_sound"));
  return (
    <div className="note-actions">
      <button type="button" className="button button-small" onClick={test}>{t("bell.test")}</button>
      <span className="caption" role="status">{said}</span>
    </div>
  );
}
