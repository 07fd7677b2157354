/* Sessions: from where, with what, since when. */
import { t } from "./messages.js";
import { Moment } from "./parts.jsx";

const BROWSERS = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS X", "macOS"], ["Linux", "Linux"]];

/** "Firefox, Windows", or the name a program gives itself. */
export function agentName(agent) {
  const find = (list) => list.find(([mark]) => agent.includes(mark))?.[1];
  return [find(BROWSERS), find(SYSTEMS)].filter(Boolean).join(", ") || agent.slice(0, 40) || t("sessions.unknown");
}

/** "21 Nov 2027": a day far enough away that its hour says nothing. */
export function Day({ at }) {
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" }).format(at / 1000);
  return <time dateTime={new Date(at / 1000).toISOString()}>{day}</time>;
}

export function SessionList({ sessions, onRevoke, busy = false }) {
  if (!sessions.length) return <p className="caption">{t("sessions.none")}</p>;
  return (
    <ul className="sessions">
      {sessions.map((session) => (
        <li key={session.id}>
          <div>
            <span className="strong">{agentName(session.agent)}</span> <span className="code caption">{session.address}</span>
            {session.is_current && <> <span className="chip">{t("sessions.this")}</span></>}
            <div className="caption">{t("sessions.since")} <Moment at={session.created_at} />, {t("sessions.used")} <Moment at={session.seen_at} /></div>
          </div>
          {onRevoke && !session.is_current && (
            <button type="button" className="button button-small" disabled={busy} onClick={() => onRevoke(session.id)}>{t("sessions.revoke")}</button>
          )}
        </li>
      ))}
    </ul>
  );
}
