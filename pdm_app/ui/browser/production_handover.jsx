/* Handing over a shift: what is known of it, notes, and the signatures of who leaves it and who takes it. */
import { useState } from "react";
import { Field } from "./form_parts.jsx";
import { clock, hourMinute, number } from "./format.js";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";
import { minutes, percent } from "./production_words.js";
import { SignDialog } from "./sign_dialog.jsx";

const SHOWN = 12;

export function Handovers({ siteId, mayRecord }) {
  const list = useQuery("handovers.list", { site_id: siteId, limit: SHOWN });
  const [which, setWhich] = useState("now");
  const [signs, setSigns] = useState(null);
  const [notes, setNotes] = useState("");
  const draft = useQuery("handovers.draft", { site_id: siteId, which });
  const done = (list.answer ?? []).find((each) => draft.answer && each.begin_at === draft.answer.begin_at);
  const sign = async (said) => {
    const { password, code, reason } = said;
    if (signs === "hand_over") await link().mutate("handovers.hand_over", { site_id: siteId, which, notes, password, code, reason });
    else await link().mutate("handovers.take", { handover_id: signs.id, remarks: "", password, code, reason });
    setNotes("");
    list.again();
  };
  return (
    <section className="card stack" id="handover">
      <header className="card-head">
        <h2>{t("handover.title")}</h2>
        <div className="segments push" role="group" aria-label={t("handover.which")}>
          {["now", "before"].map((each) => <button key={each} type="button" className="segment" aria-pressed={which === each} onClick={() => setWhich(each)}>{t("handover.shift_of", { which: each })}</button>)}
        </div>
      </header>
      {draft.error && <ErrorNote what={t("handover.failed")} error={draft.error} again={draft.again} compact />}
      {!draft.answer && !draft.error && <Skeleton height={120} />}
      {draft.answer && !draft.error && <Told told={done ?? draft.answer} />}
      {draft.answer && !draft.error && !done && mayRecord && (
        <>
          <Field as="textarea" rows={3} maxLength={2000} label={t("handover.notes")} value={notes} onChange={(event) => setNotes(event.target.value)} />
          <div className="note-actions"><button type="button" className="button button-primary tall" onClick={() => setSigns("hand_over")}>{t("handover.sign")}</button></div>
        </>
      )}
      <h3>{t("handover.before")}</h3>
      {list.error && !list.answer && <ErrorNote what={t("handover.failed")} error={list.error} again={list.again} compact />}
      {list.answer?.length === 0 && <EmptyNote title={t("handover.none")} text={t("handover.none_hint")} />}
      <ul className="minute-alarms handovers">
        {(list.answer ?? []).map((each) => (
          <li key={each.id}>
            <strong>{each.name}</strong> <Moment at={each.begin_at} />
            <span>{t("handover.handed_by", { name: each.handed_by })}</span>
            {each.taken_at ? <span>{t("handover.taken_by", { name: each.taken_by })}</span> : mayRecord && <button type="button" className="button tall" onClick={() => setSigns(each)}>{t("handover.take")}</button>}
            {each.notes && <span className="caption">{each.notes}</span>}
          </li>
        ))}
      </ul>
      {signs && (
        <SignDialog
          title={t(signs === "hand_over" ? "handover.sign" : "handover.take")} meaning={signs === "hand_over" ? "authored" : "reviewed"}
          what={t("handover.what", { name: (signs === "hand_over" ? draft.answer : signs)?.name ?? "" })} onSign={sign} onClose={() => setSigns(null)}
        />
      )}
    </section>
  );
}

function Told({ told }) {
  const zone = useZone();
  return (
    <div className="stack">
      <p><strong>{told.name}</strong> {told.crew} · {hourMinute(told.begin_at, zone)}–{hourMinute(told.end_at, zone)}{told.until_at < told.end_at ? ` · ${t("handover.until", { time: clock(told.until_at, zone) })}` : ""}</p>
      <table className="table people-table">
        <thead><tr><th>{t("production.line")}</th><th>{t("handover.good")}</th><th>{t("handover.scrap")}</th><th>{t("handover.oee")}</th><th>{t("handover.stopped")}</th><th>{t("handover.waiting")}</th></tr></thead>
        <tbody>
          {told.lines.map((line) => (
            <tr key={line.line_id}>
              <td>{line.name}</td>
              <td data-label={t("handover.good")}>{number(line.good)}</td>
              <td data-label={t("handover.scrap")}>{number(line.scrap)}</td>
              <td data-label={t("handover.oee")}>{percent(line.oee)}</td>
              <td data-label={t("handover.stopped")}>{minutes(line.stopped_s)} min</td>
              <td data-label={t("handover.waiting")}>{line.waiting}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>{t("handover.alarms")}</h3>
      {told.alarms.length === 0 && <p className="muted">{t("handover.no_alarms")}</p>}
      <ul className="minute-alarms">
        {told.alarms.slice(0, SHOWN).map((alarm) => <li key={`${alarm.asset_id} ${alarm.name} ${alarm.raised_at}`}><PriorityShape priority={alarm.priority} state={alarm.is_acknowledged ? "C" : "B"} size={16} label="" /> {alarm.name} <span className="caption"><Moment at={alarm.raised_at} /></span></li>)}
        {told.alarms.length + told.alarms_left_out > SHOWN && <li className="caption">{t("handover.more_alarms", { count: told.alarms.length + told.alarms_left_out - SHOWN })}</li>}
      </ul>
    </div>
  );
}
