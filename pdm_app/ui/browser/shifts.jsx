/* The shifts of a site: which one runs, the week to come, and the form of the calendar. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { hourMinute, weekday } from "./format.js";
import { guarded } from "./guard.jsx";
import { useNow, useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { Rotas } from "./rotas.jsx";

const DAY_US = 86_400e6;
const SHIFTS_PER_DAY_MAX = 8;
const DAYS_MAX = 56;
const BREAKS_MAX = 8;
const NEW_SHIFT = { name: "", begin: "06:00", end: "14:00", crew: "", breaks: [] };
const shiftOf = (name, begin, end) => ({ name, begin, end, crew: "", breaks: [] });

/** Patterns that most plants begin with. */
const PATTERNS = {
  three: () => [{ shifts: [shiftOf(t("shifts.early"), "06:00", "14:00"), shiftOf(t("shifts.late"), "14:00", "22:00"), shiftOf(t("shifts.night"), "22:00", "06:00")] }],
  two: () => [...Array(5).fill({ shifts: [shiftOf(t("shifts.early"), "06:00", "14:00"), shiftOf(t("shifts.late"), "14:00", "22:00")] }), { shifts: [] }, { shifts: [] }],
  one: () => [...Array(5).fill({ shifts: [shiftOf(t("shifts.day_shift"), "07:00", "15:30")] }), { shifts: [] }, { shifts: [] }],
};

export const Shifts = guarded(function Shifts({ siteId = "", mayShift = false, mayRota = false }) {
  if (!siteId) return <section className="card"><Skeleton height={120} /></section>;
  return (
    <div className="stack">
      <Calendar siteId={siteId} mayChange={mayShift} />
      <Rotas siteId={siteId} mayChange={mayRota} />
    </div>
  );
});

function Calendar({ siteId, mayChange }) {
  const { answer, error, again } = useQuery("shifts.show", { site_id: siteId });
  const [open, setOpen] = useState(false);
  if (!answer) return <section className="card">{error ? <ErrorNote what={t("shifts.failed")} error={error} again={again} /> : <Skeleton height={160} />}</section>;
  const { calendar, zone, now, before } = answer;
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("shifts.calendar")}</h2>
        {mayChange && <button type="button" className="button push" onClick={() => setOpen(true)}>{t(calendar ? "shifts.change" : "shifts.make")}</button>}
      </header>
      {!calendar && <EmptyNote title={t("shifts.empty")} text={t("shifts.empty_hint")} />}
      {calendar && (
        <>
          <p>
            {now ? t("shifts.now", { name: nameOf(now), until: hourMinute(now.end_at, zone) }) : t("shifts.none_now")}
            {!now && before && <span className="muted"> {t("shifts.before", { name: nameOf(before) })}</span>}
          </p>
          <Week key={calendar.revision} siteId={siteId} zone={zone} />
          {calendar.exceptions.length > 0 && <p className="caption">{t("shifts.exceptions")}: {calendar.exceptions.map((each) => `${each.on}${each.name ? ` ${each.name}` : ""}`).join(", ")}</p>}
        </>
      )}
      {open && (
        <Sheet title={t("shifts.calendar")} onClose={() => setOpen(false)} side>
          <CalendarForm siteId={siteId} calendar={calendar} zone={zone} onDone={() => { setOpen(false); again(); }} />
        </Sheet>
      )}
    </section>
  );
}

const nameOf = (span) => (span.crew ? `${span.name} (${span.crew})` : span.name);

/** Today and the six days after it, in words. */
function Week({ siteId, zone }) {
  const now = useNow();
  const begin = now === null ? null : Math.floor(now / DAY_US) * DAY_US;
  const { answer } = useQuery("shifts.spans", begin === null ? null : { site_id: siteId, start_at: begin, end_at: begin + 7 * DAY_US });
  if (!answer) return <Skeleton height={120} />;
  const days = [...new Set(answer.filter((span) => span.end_at > now).map((span) => span.on))].slice(0, 7);
  if (days.length === 0) return <p className="muted">{t("shifts.no_week")}</p>;
  return (
    <table className="table people-table">
      <thead><tr><th>{t("shifts.day")}</th><th>{t("shifts.of_day")}</th></tr></thead>
      <tbody>
        {days.map((on) => {
          const spans = answer.filter((span) => span.on === on);
          const runs = (span) => now !== null && span.begin_at <= now && now < span.end_at;
          return (
            <tr key={on}>
              <td>{weekday(spans[0].begin_at, zone)}</td>
              <td data-label={t("shifts.of_day")}>
                <span className="shift-row">
                  {spans.map((span) => (
                    <span key={span.begin_at} className="chip" data-now={runs(span)}>{hourMinute(span.begin_at, zone)}–{hourMinute(span.end_at, zone)} {nameOf(span)}{span.breaks.length > 0 && <span className="caption"> {t("shifts.breaks_of", { times: span.breaks.map((one) => `${hourMinute(one.begin_at, zone)}–${hourMinute(one.end_at, zone)}`).join(", ") })}</span>}</span>
                  ))}
                </span>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function CalendarForm({ siteId, calendar, zone, onDone }) {
  const [days, setDays] = useState(calendar?.days ?? PATTERNS.three());
  const [exceptions, setExceptions] = useState(calendar?.exceptions ?? []);
  const { run, busy, error } = useAct();
  const put = (list, place, value) => list.map((each, other) => (other === place ? value : each));
  const submit = (event) => {
    event.preventDefault();
    const anchor = String(new FormData(event.currentTarget).get("anchor"));
    run(async () => {
      await link().mutate("shifts.put", { site_id: siteId, facts: { anchor, days, exceptions }, revision: calendar?.revision ?? 0 });
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error)} />
      <p className="caption">{t("shifts.form_hint", { zone })}</p>
      <div className="note-actions">
        {Object.keys(PATTERNS).map((name) => (
          <button key={name} type="button" className="button button-small" onClick={() => setDays(PATTERNS[name]())}>{t(`shifts.pattern.${name}`)}</button>
        ))}
      </div>
      <Field name="anchor" type="date" required label={t("shifts.anchor")} hint={t("shifts.anchor_hint")} defaultValue={calendar?.anchor ?? lastMonday()} />
      {days.map((one, place) => (
        <DayFields key={place} title={t("shifts.day_number", { number: place + 1 })} day={one} onChange={(next) => setDays(put(days, place, next))}
          onRemove={days.length > 1 ? () => setDays(days.filter((_, other) => other !== place)) : null} />
      ))}
      {days.length < DAYS_MAX && <div className="note-actions"><button type="button" className="button" onClick={() => setDays([...days, days.at(-1)])}>{t("shifts.day_add")}</button></div>}
      <h3>{t("shifts.exceptions")}</h3>
      {exceptions.map((one, place) => (
        <div key={place} className="stack notice-step">
          <div className="form-row">
            <Field type="date" required label={t("shifts.date")} value={one.on} onChange={(event) => setExceptions(put(exceptions, place, { ...one, on: event.target.value }))} />
            <Field label={t("shifts.why")} maxLength={80} value={one.name} onChange={(event) => setExceptions(put(exceptions, place, { ...one, name: event.target.value }))} />
          </div>
          <DayFields title={one.day.shifts.length === 0 ? t("shifts.still") : t("shifts.instead")} day={one.day} onChange={(next) => setExceptions(put(exceptions, place, { ...one, day: next }))}
            onRemove={() => setExceptions(exceptions.filter((_, other) => other !== place))} />
        </div>
      ))}
      <div className="note-actions"><button type="button" className="button" onClick={() => setExceptions([...exceptions, { on: "", name: "", day: { shifts: [] } }])}>{t("shifts.exception_add")}</button></div>
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
    </form>
  );
}

/** The shifts of one day; without any the site stands still. */
function DayFields({ title, day: one, onChange, onRemove }) {
  const change = (place, facts) => onChange({ shifts: one.shifts.map((shift, other) => (other === place ? { ...shift, ...facts } : shift)) });
  return (
    <fieldset className="field notice-step">
      <legend className="field-label">{title}</legend>
      {one.shifts.map((shift, place) => (
        <div key={place} className="shift-fields">
          <Field label={t("shifts.name")} required maxLength={40} autoComplete="off" value={shift.name} onChange={(event) => change(place, { name: event.target.value })} />
          <Field label={t("shifts.crew")} maxLength={40} autoComplete="off" value={shift.crew} onChange={(event) => change(place, { crew: event.target.value })} />
          <Field label={t("shifts.begin")} type="time" required value={shift.begin} onChange={(event) => change(place, { begin: event.target.value })} />
          <Field label={t("shifts.end")} type="time" required value={shift.end} onChange={(event) => change(place, { end: event.target.value })} />
          <button type="button" className="button button-small" onClick={() => onChange({ shifts: one.shifts.filter((_, other) => other !== place) })}>{t("shifts.remove")}</button>
          <Breaks shift={shift} onChange={(breaks) => change(place, { breaks })} />
        </div>
      ))}
      <div className="note-actions">
        {one.shifts.length < SHIFTS_PER_DAY_MAX && (
          <button type="button" className="button button-small" onClick={() => onChange({ shifts: [...one.shifts, { ...NEW_SHIFT, begin: one.shifts.at(-1)?.end ?? "06:00" }] })}>{t("shifts.shift_add")}</button>
        )}
        {onRemove && <button type="button" className="button button-small" onClick={onRemove}>{t("shifts.day_remove")}</button>}
      </div>
    </fieldset>
  );
}

/** The breaks of a shift: time in which nobody expects machines to run. */
function Breaks({ shift, onChange }) {
  const breaks = shift.breaks ?? [];
  const change = (place, facts) => onChange(breaks.map((one, other) => (other === place ? { ...one, ...facts } : one)));
  return (
    <div className="shift-breaks stack">
      {breaks.map((one, place) => (
        <div key={place} className="form-row">
          <Field label={t("shifts.break_begin")} type="time" required value={one.begin} onChange={(event) => change(place, { begin: event.target.value })} />
          <Field label={t("shifts.break_minutes")} type="number" min={1} max={480} required value={one.minutes} onChange={(event) => change(place, { minutes: Number(event.target.value) })} />
          <button type="button" className="button button-small" onClick={() => onChange(breaks.filter((_, other) => other !== place))}>{t("shifts.break_remove")}</button>
        </div>
      ))}
      {breaks.length < BREAKS_MAX && <div className="note-actions"><button type="button" className="button button-small" onClick={() => onChange([...breaks, { begin: shift.begin, minutes: 30 }])}>{t("shifts.break_add")}</button></div>}
    </div>
  );
}

/** The date of the last Monday, as people here write the calendar's first day. */
function lastMonday() {
  const today = new Date();
  today.setDate(today.getDate() - ((today.getDay() + 6) % 7));
  return `${today.getFullYear()}-${String(today.getMonth() + 1).padStart(2, "0")}-${String(today.getDate()).padStart(2, "0")}`;
}
