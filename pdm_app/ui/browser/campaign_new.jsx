/* A new campaign: which release goes to which group, in which phases, when, and what stops it. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { factsOf, newForm, withChange, withPhase, without } from "./campaigns.js";
import { faultBelow } from "./firmware.js";
import { Check, Field, Refusal, Sheet, messageOf } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Skeleton } from "./parts.jsx";

const MODES = ["forced", "soft", "time_forced", "download_only"];
const ON_ERROR = ["pause", "abort", "roll_back"];
const DAYS = [0, 1, 2, 3, 4, 5, 6];
const SAID_BY_FIELDS = ["name", "release_id", "group_id", "forced_at", "concurrent_max", "bytes_per_s_max", "soak_s"];
const PHASES_MAX = 20;
const WINDOWS_MAX = 20;

export function NewCampaign({ siteId, releases, groups, onClose, onDone }) {
  const published = releases.answer?.map(({ release }) => release).filter((release) => release.state === "published");
  const failed = [releases, groups].find((query) => query.error && !query.answer);
  return (
    <Sheet title={t("campaigns.new")} onClose={onClose} side>
      {failed && <ErrorNote what={t("campaigns.failed")} error={failed.error} again={failed.again} />}
      {!failed && (!published || !groups.answer) && <Skeleton height={240} />}
      {published?.length === 0 && <EmptyNote title={t("campaigns.no_release")} text={t("campaigns.no_release_hint")}><Go to="/firmware" className="button">{t("firmware.releases")}</Go></EmptyNote>}
      {groups.answer?.length === 0 && <EmptyNote title={t("device_groups.none")} text={t("campaigns.no_group_hint")}><Go to="/devices/groups" className="button">{t("device_groups.title")}</Go></EmptyNote>}
      {published?.length > 0 && groups.answer?.length > 0 && <CampaignForm siteId={siteId} releases={published} groups={groups.answer} onDone={onDone} />}
    </Sheet>
  );
}

function CampaignForm({ siteId, releases, groups, onDone }) {
  const [form, setForm] = useState(() => newForm({ canary: t("campaigns.canary"), quarter: t("campaigns.quarter"), rest: t("campaigns.rest") }));
  const { run, busy, error } = useAct();
  const set = (change) => setForm({ ...form, ...change });
  const typed = (field, of = field) => ({ value: form[field], error: faultBelow(error, of), onChange: (event) => set({ [field]: event.target.value }) });
  const ticked = (field) => ({ checked: form[field], onChange: (event) => set({ [field]: event.target.checked }) });
  const send = (event) => {
    event.preventDefault();
    run(async () => onDone(await link().mutate("campaigns.create", { facts: factsOf(form, siteId) })));
  };
  return (
    <form className="entrance-form" onSubmit={send}>
      <p className="muted">{t("campaigns.new_text")}</p>
      <Field label={t("campaigns.name")} required maxLength={120} autoComplete="off" {...typed("name")} />
      <Field label={t("firmware.release")} as="select" required {...typed("release_id")}>
        <option value="">{t("campaigns.choose")}</option>
        {releases.map((release) => <option key={release.id} value={release.id}>{release.name} {release.version}</option>)}
      </Field>
      <Field label={t("campaigns.group")} as="select" required {...typed("group_id")}>
        <option value="">{t("campaigns.choose")}</option>
        {groups.map(({ group, members }) => <option key={group.id} value={group.id}>{t("campaigns.group_with", { name: group.name, count: members })}</option>)}
      </Field>
      <Phases phases={form.phases} onChange={(phases) => set({ phases })} />
      <Field label={t("campaigns.mode")} as="select" hint={t("campaigns.mode_hint", { mode: form.mode })} {...typed("mode")}>
        {MODES.map((mode) => <option key={mode} value={mode}>{t("campaigns.mode_of", { mode })}</option>)}
      </Field>
      {form.mode === "time_forced" && <Field label={t("campaigns.forced_at")} type="datetime-local" required {...typed("forced_at")} />}
      <Windows windows={form.windows} onChange={(windows) => set({ windows })} />
      <Check label={t("campaigns.only_when_idle")} {...ticked("only_when_idle")} />
      <Check label={t("campaigns.ask_users")} {...ticked("ask_users")} />
      <Field label={t("campaigns.soak")} hint={t("campaigns.soak_hint")} type="number" min={0} max={10080} step="any" required {...typed("soak_min", "soak_s")} />
      <Field label={t("campaigns.concurrent")} type="number" min={1} max={10000} step={1} required {...typed("concurrent", "concurrent_max")} />
      <Field label={t("campaigns.pace")} hint={t("campaigns.pace_hint")} type="number" min={16} max={100000000} step="any" {...typed("pace", "bytes_per_s_max")} />
      <Check label={t("campaigns.takes_new")} {...ticked("takes_new_members")} />
      <Check label={t("campaigns.second_person")} {...ticked("second_person")} />
      <Field label={t("firmware.notes")} as="textarea" rows={2} maxLength={2000} {...typed("note")} />
      <Refusal message={SAID_BY_FIELDS.some((field) => faultBelow(error, field)) ? "" : messageOf(error)} />
      <button type="submit" className="button button-primary" disabled={busy || form.windows.some((window) => window.weekdays.length === 0)}>{t("campaigns.simulate")}</button>
    </form>
  );
}

function Phases({ phases, onChange }) {
  const change = (index, made) => onChange(withChange(phases, index, made));
  return (
    <fieldset className="choice-list">
      <legend className="field-label">{t("campaigns.phases")}</legend>
      {phases.map((phase, index) => <Phase key={index} phase={phase} isLast={index === phases.length - 1} onChange={(made) => change(index, made)} onRemove={() => onChange(without(phases, index))} />)}
      {phases.length < PHASES_MAX && <button type="button" className="button" onClick={() => onChange(withPhase(phases, t("campaigns.one_more", { number: phases.length })))}>{t("campaigns.add_phase")}</button>}
    </fieldset>
  );
}

function Phase({ phase, isLast, onChange, onRemove }) {
  const typed = (field) => ({ value: phase[field], onChange: (event) => onChange({ [field]: event.target.value }) });
  return (
    <div className="campaign-phase-form">
      <div className="campaign-fields">
        <Field label={t("campaigns.phase_name")} required maxLength={120} {...typed("name")} />
        {isLast
          ? <div className="field"><span className="field-label">{t("campaigns.size")}</span><span className="campaign-said">{t("campaigns.the_rest")}</span></div>
          : <Field label={t("campaigns.size")} type="number" min={phase.unit === "devices" ? 1 : 0} max={phase.unit === "devices" ? 10000 : 100} step={phase.unit === "devices" ? 1 : "any"} required {...typed("size")} />}
        {!isLast && (
          <Field label={t("campaigns.unit")} as="select" {...typed("unit")}>
            <option value="devices">{t("campaigns.unit_devices")}</option>
            <option value="percent">{t("campaigns.unit_percent")}</option>
          </Field>
        )}
      </div>
      <details>
        <summary>{t("campaigns.thresholds_of", { success: phase.success, error: phase.error, then: phase.on_error })}</summary>
        <div className="campaign-fields">
          <Field label={t("campaigns.success")} type="number" min={0} max={100} step="any" required {...typed("success")} />
          <Field label={t("campaigns.sample")} type="number" min={1} max={10000} step={1} required {...typed("sample")} />
          <Field label={t("campaigns.on_success")} as="select" {...typed("on_success")}>
            <option value="next">{t("campaigns.then_next")}</option>
            <option value="pause">{t("campaigns.then_pause")}</option>
          </Field>
          <Field label={t("campaigns.error")} type="number" min={0} max={100} step="any" required {...typed("error")} />
          <Field label={t("campaigns.on_error")} as="select" {...typed("on_error")}>
            {ON_ERROR.map((what) => <option key={what} value={what}>{t("campaigns.on_error_of", { what })}</option>)}
          </Field>
        </div>
      </details>
      {!isLast && <button type="button" className="link" onClick={onRemove}>{t("campaigns.remove_phase", { name: phase.name })}</button>}
    </div>
  );
}

function Windows({ windows, onChange }) {
  const change = (index, made) => onChange(withChange(windows, index, made));
  const turn = (window, day) => (window.weekdays.includes(day) ? window.weekdays.filter((other) => other !== day) : [...window.weekdays, day]);
  return (
    <fieldset className="choice-list">
      <legend className="field-label">{t("campaigns.windows")}</legend>
      {windows.length === 0 && <span className="caption">{t("campaigns.any_time")}</span>}
      {windows.map((window, index) => (
        <div key={index} className="campaign-phase-form">
          <div className="campaign-days" role="group" aria-label={t("reports.weekdays")}>
            {DAYS.map((day) => <button key={day} type="button" className="segment" aria-pressed={window.weekdays.includes(day)} onClick={() => change(index, { weekdays: turn(window, day) })}>{t("reports.weekday", { weekday: `d${day}` })}</button>)}
          </div>
          {window.weekdays.length === 0 && <span className="field-error">{t("campaigns.choose_day")}</span>}
          <div className="campaign-fields">
            <Field label={t("campaigns.begins")} type="time" required value={window.begin} onChange={(event) => change(index, { begin: event.target.value })} />
            <Field label={t("campaigns.hours")} type="number" min={0.25} max={24} step={0.25} required value={window.hours} onChange={(event) => change(index, { hours: event.target.value })} />
          </div>
          <button type="button" className="link" onClick={() => onChange(without(windows, index))}>{t("campaigns.remove_window")}</button>
        </div>
      ))}
      {windows.length < WINDOWS_MAX && <button type="button" className="button" onClick={() => onChange([...windows, { weekdays: [5, 6], begin: "02:00", hours: "4" }])}>{t("campaigns.add_window")}</button>}
    </fieldset>
  );
}
