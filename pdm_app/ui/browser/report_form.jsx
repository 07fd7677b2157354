/* One report: what it tells, when it is made and who gets it, beside the pages as they would be now. */
import { useEffect, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Check, Field, faultOf, messageOf, Refusal } from "./form_parts.jsx";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Moment, Skeleton } from "./parts.jsx";

const TEMPLATES = ["alarm_kpi", "oee", "shift_handover", "asset_health", "firmware_status", "audit_extract", "custom"];
const PERIODS = ["shift", "day", "week", "month"];
const FORMATS = ["pdf", "xlsx", "csv", "json"];
const PAPERS = ["a4", "us-letter"];
const PARTS = ["oee_lines", "oee_losses", "alarm_figures", "alarm_load", "alarm_priorities", "bad_actors", "standing_alarms", "shelved_alarms", "alarm_journal", "asset_health", "firmware_status", "notes", "audit_trail", "signatures"];
const OF_AUDIT = new Set(["audit_extract", "audit_trail"]);
const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6];
const SETTLED_MS = 500;
const SIDE_BY_SIDE = { display: "grid", gap: "16px", gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 340px), 1fr))", alignItems: "start" };

export function ReportForm({ report, mayConfigure, mayAudit, onClose }) {
  const [said, setSaid] = useState(report);
  const { run, busy, error } = useAct();
  const say = (part) => setSaid((before) => ({ ...before, ...part }));
  const facts = factsOf(said);
  const save = (event) => {
    event.preventDefault();
    run(async () => {
      if (report.id) await link().mutate("reports.change", { report_id: report.id, facts, revision: report.revision });
      else await link().mutate("reports.add", { facts });
      onClose();
    });
  };
  const remove = () => run(async () => {
    await link().mutate("reports.remove", { report_id: report.id });
    onClose();
  });
  const allowed = (one) => mayAudit || !OF_AUDIT.has(one);
  return (
    <div style={SIDE_BY_SIDE}>
      <section className="card stack">
        <header className="card-head">
          <h2>{report.id ? report.name : t("reports.add")}</h2>
          <button type="button" className="button push" onClick={onClose}>{t("reports.back")}</button>
        </header>
        <form className="entrance-form" onSubmit={save}>
          <Refusal message={messageOf(error, ["name"])} />
          <Field label={t("reports.name")} required maxLength={120} autoComplete="off" value={said.name} error={faultOf(error, "name")} onChange={(event) => say({ name: event.target.value })} />
          <Choice label={t("reports.tells")} value={said.template} of={TEMPLATES.filter(allowed)} words={(template) => t("reports.template", { template })} onChoose={(template) => say({ template, ...(template === "shift_handover" ? { period: "shift" } : {}) })} />
          {said.template === "custom" && (
            <fieldset className="stack">
              <legend className="field-label">{t("reports.parts")}</legend>
              {PARTS.filter(allowed).map((part) => <Check key={part} label={t("reports.part", { part })} checked={said.parts.includes(part)} onChange={() => say({ parts: toggled(said.parts, part) })} />)}
            </fieldset>
          )}
          <Choice label={t("reports.period")} value={said.period} of={PERIODS} words={(period) => t("reports.last", { period })} onChoose={(period) => say({ period })} />
          <Choice label={t("reports.as")} value={said.format} of={FORMATS} words={(format) => t("reports.format", { format })} onChoose={(format) => say({ format })} />
          {said.format === "pdf" && <Choice label={t("reports.paper")} value={said.paper} of={PAPERS} words={(paper) => t("reports.paper_of", { paper: paper.replace("-", "_") })} onChoose={(paper) => say({ paper })} />}
          <Standing schedule={said.schedule} onChange={(schedule) => say({ schedule })} />
          {mayConfigure && <Recipients siteId={said.site_id} chosen={said.recipient_ids} onChange={(recipient_ids) => say({ recipient_ids })} />}
          <Field type="number" label={t("reports.kept_days")} min={1} max={3660} required value={said.kept_days} onChange={(event) => say({ kept_days: Number(event.target.value) })} />
          {mayConfigure && (
            <div className="note-actions">
              <button type="submit" className="button button-primary" disabled={busy}>{t("reports.save")}</button>
              {report.id && <button type="button" className="button" disabled={busy} onClick={remove}>{t("reports.remove")}</button>}
            </div>
          )}
        </form>
      </section>
      <Preview facts={facts} />
    </div>
  );
}

/** What is sent of what was typed: only what the template and the rhythm ask for. */
function factsOf(said) {
  const { site_id, name, template, period, format, paper, recipient_ids, kept_days, schedule } = said;
  const { rhythm, at, zone, weekdays, day } = schedule ?? {};
  return {
    site_id, name: name.trim() || t("reports.unnamed"), template, period, format, paper, recipient_ids, kept_days,
    parts: template === "custom" ? said.parts : [],
    schedule: schedule && { rhythm, at, zone, weekdays: rhythm === "weekly" ? weekdays : [], day: rhythm === "monthly" ? day : null },
  };
}

const toggled = (list, one) => (list.includes(one) ? list.filter((each) => each !== one) : [...list, one]);

function Choice({ label, value, of, words, onChoose }) {
  return (
    <Field as="select" label={label} value={value} onChange={(event) => onChoose(event.target.value)}>
      {of.map((one) => <option key={one} value={one}>{words(one)}</option>)}
    </Field>
  );
}

/** The standing date: how often, on which days, at what time of the site's clock. */
function Standing({ schedule, onChange }) {
  const zone = useZone();
  const begun = { rhythm: "weekly", at: "06:30", zone, weekdays: [0], day: 1 };
  const say = (part) => onChange({ ...begun, ...schedule, weekdays: schedule?.weekdays?.length ? schedule.weekdays : [0], day: schedule?.day ?? 1, ...part });
  return (
    <div className="stack">
      <Choice
        label={t("reports.when")} value={schedule?.rhythm ?? ""} of={["", "daily", "weekly", "monthly"]} words={(rhythm) => t("reports.rhythm", { rhythm: rhythm || "none" })}
        onChoose={(rhythm) => (rhythm ? say({ rhythm }) : onChange(null))}
      />
      {schedule?.rhythm === "weekly" && (
        <div className="segments" role="group" aria-label={t("reports.weekdays")} style={{ flexWrap: "wrap" }}>
          {WEEKDAYS.map((weekday) => (
            <button key={weekday} type="button" className="segment" aria-pressed={schedule.weekdays.includes(weekday)} onClick={() => say({ weekdays: toggled(schedule.weekdays, weekday) })}>{t("reports.weekday", { weekday: `d${weekday}` })}</button>
          ))}
        </div>
      )}
      {schedule?.rhythm === "monthly" && <Field type="number" min={1} max={31} required label={t("reports.day")} hint={t("reports.day_hint")} value={schedule.day} onChange={(event) => say({ day: Number(event.target.value) })} />}
      {schedule && <Field type="time" required label={t("reports.at")} hint={t("reports.at_hint", { zone: schedule.zone })} value={schedule.at} onChange={(event) => say({ at: event.target.value })} />}
    </div>
  );
}

function Recipients({ siteId, chosen, onChange }) {
  const { answer, error, again } = useQuery("reports.recipients", { site_id: siteId });
  if (error && !answer) return <ErrorNote what={t("reports.failed")} error={error} again={again} />;
  return (
    <fieldset className="stack">
      <legend className="field-label">{t("reports.recipients")}</legend>
      {!answer && <Skeleton height={40} />}
      {answer?.map((person) => (
        <Check
          key={person.id} label={person.has_address ? person.name : t("reports.no_address", { name: person.name })} checked={chosen.includes(person.id)}
          onChange={() => onChange(toggled(chosen, person.id))}
        />
      ))}
    </fieldset>
  );
}

/** The first pages, asked for anew when nobody has typed for a moment. */
function Preview({ facts }) {
  const asked = { ...facts, recipient_ids: [] };
  const [settled, setSettled] = useState(asked);
  const key = JSON.stringify(asked);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(JSON.parse(key)), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [key]);
  const isWhole = settled.template !== "custom" || settled.parts.length > 0;
  const { answer, error, loading, again } = useQuery("reports.preview", isWhole ? settled : null);
  return (
    <section className="card stack" aria-busy={loading}>
      <header className="card-head"><h2>{t("reports.preview")}</h2></header>
      {!isWhole && <p className="muted">{t("reports.choose_parts")}</p>}
      {isWhole && error && <ErrorNote what={t("reports.no_preview")} error={error} again={again} />}
      {isWhole && !answer && !error && <Skeleton height={400} />}
      {isWhole && answer && !error && (
        <>
          <p className="caption">{answer.period}</p>
          {answer.words && <p>{t("reports.comes", { words: answer.words })} {answer.next_at.map((at) => <span key={at} className="chip"><Moment at={at} /></span>)}</p>}
          {answer.pages.map((page, place) => (
            <img key={place} src={`data:image/png;base64,${page}`} alt={t("reports.page", { number: place + 1 })} style={{ width: "100%", height: "auto", border: "1px solid var(--line)", background: "#fff" }} />
          ))}
        </>
      )}
    </section>
  );
}
