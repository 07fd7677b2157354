/* Where the link of a message leads: the alarm, what to do about it, and one button that acknowledges it. */
import { useEffect, useState } from "react";
import { AckButton, CommentForm } from "./acknowledge.jsx";
import { ValueAndLimit } from "./alarm_parts.jsx";
import { needsAcknowledging, SHAPE_OF_STATE, useAlarms } from "./alarms.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { codeOf } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Moment, SimulatedChip, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";

const REFUSED = ["BAD_REQUEST", "NOT_FOUND"];

export const NoticeLink = guarded(function NoticeLink({ mayAcknowledge = false }) {
  const [token, setToken] = useState(null);
  useEffect(() => setToken(decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "")), []);
  const { answer, error, again } = useQuery("notices.open_link", token === null ? null : { token });
  if (error && REFUSED.includes(codeOf(error))) {
    return (
      <section className="card">
        <EmptyNote title={t("notice.refused")} text={error.message}><Go to="/alarms" className="button">{t("notice.to_list")}</Go><Go to="/alarms/history" className="button">{t("notice.to_journal")}</Go></EmptyNote>
      </section>
    );
  }
  if (!answer) return <section className="card">{error ? <ErrorNote what={t("alarms.failed")} error={error} again={again} /> : <Skeleton height={160} />}</section>;
  return <LinkedAlarm opened={answer} mayAcknowledge={mayAcknowledge} />;
});

function LinkedAlarm({ opened, mayAcknowledge }) {
  const { alarms, loaded } = useAlarms();
  const [asking, setAsking] = useState(false);
  const standing = alarms.find((alarm) => alarm.id === opened.alarm.id);
  const alarm = standing ?? (loaded ? { ...opened.alarm, state: "normal" } : opened.alarm); // What no longer stands is over.
  const waits = standing !== undefined && needsAcknowledging(standing);
  const shape = SHAPE_OF_STATE[alarm.state];
  const facts = [["alarm.cause", alarm.cause], ["alarm.consequence", alarm.consequence], ["alarm.action", alarm.action]].filter(([, words]) => words);
  return (
    <section className="card stack notice-alarm" data-alarm={alarm.id}>
      <header className="card-head">
        <PriorityShape priority={alarm.priority} state={shape} size={24} />
        <h2>{alarm.name}</h2>
        {alarm.simulated && <SimulatedChip />}
      </header>
      <p><Go to={`/asset/${alarm.asset_id}?tab=alarms`}>{opened.machine}</Go> · <ValueAndLimit alarm={alarm} /> · <Moment at={alarm.raised_at} /></p>
      <p role="status">
        {waits ? t("notice.waits") : standing ? t("notice.acknowledged", { who: alarm.acknowledged_by ?? "–" }) : loaded ? t("notice.over") : ""}
      </p>
      {opened.was_for_other && <p className="caption">{t("notice.for_other")}</p>}
      {facts.length > 0 && (
        <dl className="definition">
          {facts.map(([key, words]) => [<dt key={key}>{t(key)}</dt>, <dd key={`${key} words`} className="message-body">{words}</dd>])}
        </dl>
      )}
      {waits && !mayAcknowledge && <p className="caption">{t("notice.may_not")}</p>}
      {waits && mayAcknowledge && !asking && <AckButton alarm={alarm} primary label={t("alarm.acknowledge")} onAsk={() => setAsking(true)} />}
      {waits && asking && <CommentForm alarm={alarm} purpose="ack" required onDone={() => setAsking(false)} onCancel={() => setAsking(false)} />}
      <div className="note-actions"><Go to="/alarms" className="button">{t("notice.to_list")}</Go></div>
    </section>
  );
}
