/* Forms of notices: a route with its steps, and how a person can be reached. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Check, faultOf, Field, messageOf, Refusal } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { SoundTest } from "./notice_bell.jsx";

const STEPS_MAX = 6;
const KINDS = ["email", "sms", "page", "webhook", "mqtt"];
const LANGUAGES = ["en", "de", "hi"];
const SOUNDS_TO = [0, 1, 2, 3, 4];
const PRIORITIES = [1, 2, 3, 4];
const HOURS = ["always", "in_shifts", "outside_shifts"];
const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6];
const NEW_STEP = { after_s: 0, user_ids: [], rota_ids: [], channels: ["email"] };

/** Which alarms are told to whom, step by step. */
export function RouteForm({ route, people, rotas, onDone, onRemoved }) {
  const [steps, setSteps] = useState(route.steps ?? [NEW_STEP]);
  const { answer: areas } = useQuery("areas.page", { site_id: route.site_id, limit: 1000 });
  const { run, busy, error } = useAct();
  const change = (place, facts) => setSteps(steps.map((step, other) => (other === place ? { ...step, ...facts } : step)));
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const facts = {
      site_id: route.site_id, name: String(form.get("name")).trim(), steps, asset_ids: route.asset_ids ?? [],
      priorities: form.getAll("priorities").map(Number), enabled: form.get("enabled") === "on", tells_return: form.get("tells_return") === "on",
      area_ids: form.getAll("area_ids"), classes: String(form.get("classes") ?? "").split(",").map((each) => each.trim()).filter(Boolean),
      hours: form.get("hours"), weekdays: form.getAll("weekdays").map(Number), from_time: form.get("from_time") || null, to_time: form.get("to_time") || null,
    };
    run(async () => {
      if (route.id) await link().mutate("notices.change_route", { route_id: route.id, facts, revision: route.revision });
      else await link().mutate("notices.add_route", { facts });
      onDone();
    });
  };
  const remove = () => run(async () => onRemoved(await link().mutate("notices.remove_route", { route_id: route.id })));
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error)} />
      <Field name="name" label={t("notices.name")} defaultValue={route.name ?? ""} required maxLength={120} autoComplete="off" />
      <fieldset className="field">
        <legend className="field-label">{t("notices.priorities")}</legend>
        {PRIORITIES.map((each) => (
          <Check key={each} name="priorities" value={each} defaultChecked={(route.priorities ?? [1, 2]).includes(each)} label={t("notices.priority", { priority: each })} />
        ))}
      </fieldset>
      <Narrower route={route} areas={areas?.items ?? []} />
      {steps.map((step, place) => (
        <StepFields key={place} number={place + 1} step={step} people={people} rotas={rotas} onChange={(facts) => change(place, facts)}
          onRemove={steps.length > 1 ? () => setSteps(steps.filter((_, other) => other !== place)) : null} />
      ))}
      {steps.length < STEPS_MAX && (
        <div className="note-actions">
          <button type="button" className="button" onClick={() => setSteps([...steps, { ...NEW_STEP, after_s: steps.at(-1).after_s + 600 }])}>{t("notices.step_add")}</button>
        </div>
      )}
      <Check name="tells_return" label={t("notices.tells_return")} defaultChecked={route.tells_return ?? false} />
      <Check name="enabled" label={t("notices.enabled")} defaultChecked={route.enabled ?? true} />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
        {route.id && <button type="button" className="button" disabled={busy} onClick={remove}>{t("action.delete")}</button>}
      </div>
    </form>
  );
}

/** Which alarms of these priorities: where, of which class, and when. */
function Narrower({ route, areas }) {
  const narrows = route.area_ids?.length || route.classes?.length || route.weekdays?.length || route.from_time || (route.hours ?? "always") !== "always";
  return (
    <details open={Boolean(narrows)}>
      <summary>{t("notices.narrower")}</summary>
      <div className="entrance-form">
        {areas.length > 0 && (
          <fieldset className="choice-list">
            <legend className="field-label">{t("notices.areas")}</legend>
            {areas.map((area) => <Check key={area.id} name="area_ids" value={area.id} defaultChecked={route.area_ids?.includes(area.id)} label={area.name} />)}
          </fieldset>
        )}
        <Field name="classes" label={t("notices.classes")} hint={t("notices.classes_hint")} defaultValue={(route.classes ?? []).join(", ")} maxLength={500} autoComplete="off" />
        <Field as="select" name="hours" label={t("notices.hours")} defaultValue={route.hours ?? "always"}>
          {HOURS.map((each) => <option key={each} value={each}>{t("notices.hours_of", { hours: each })}</option>)}
        </Field>
        <fieldset className="choice-list">
          <legend className="field-label">{t("notices.weekdays")}</legend>
          {WEEKDAYS.map((each) => <Check key={each} name="weekdays" value={each} defaultChecked={route.weekdays?.includes(each)} label={t("notices.weekday", { day: each })} />)}
        </fieldset>
        <div className="form-row">
          <Field name="from_time" type="time" label={t("notices.from_time")} defaultValue={route.from_time ?? ""} />
          <Field name="to_time" type="time" label={t("notices.to_time")} defaultValue={route.to_time ?? ""} />
        </div>
        <p className="caption">{t("notices.narrower_hint")}</p>
      </div>
    </details>
  );
}

function StepFields({ number, step, people, rotas, onChange, onRemove }) {
  const toggled = (list, each) => (list.includes(each) ? list.filter((other) => other !== each) : [...list, each]);
  return (
    <fieldset className="field notice-step">
      <legend className="field-label">{t("notices.step", { number })}</legend>
      <Field type="number" label={t("notices.after")} hint={t("notices.after_hint")} min={0} max={10080} step="any" required
        value={step.after_s / 60} onChange={(event) => onChange({ after_s: Number(event.target.value) * 60 })} />
      <span className="caption">{t("notices.who")}</span>
      {rotas.map(({ rota }) => (
        <Check key={rota.id} label={t("notices.on_call", { name: rota.name })} checked={step.rota_ids.includes(rota.id)} onChange={() => onChange({ rota_ids: toggled(step.rota_ids, rota.id) })} />
      ))}
      {people.map((person) => (
        <Check key={person.id} label={person.display_name} checked={step.user_ids.includes(person.id)} onChange={() => onChange({ user_ids: toggled(step.user_ids, person.id) })} />
      ))}
      <span className="caption">{t("notices.how")}</span>
      {KINDS.map((kind) => (
        <Check key={kind} label={t("notices.channel", { kind })} checked={step.channels.includes(kind)} onChange={() => onChange({ channels: toggled(step.channels, kind) })} />
      ))}
      {onRemove && <div className="note-actions"><button type="button" className="button button-small" onClick={onRemove}>{t("notices.step_remove")}</button></div>}
    </fieldset>
  );
}

/** How somebody can be reached, and when not. */
export function ContactForm({ contact, save, onDone }) {
  const { run, busy, error } = useAct();
  const [soundsTo, setSoundsTo] = useState(contact.sounds_to);
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = (name) => String(form.get(name) ?? "").trim();
    const facts = {
      email: said("email"), phone: said("phone").replaceAll(" ", ""), quiet_from: said("quiet_from") || null, quiet_to: said("quiet_to") || null,
      zone: said("zone") || "UTC", quiet_exempt: contact.quiet_exempt, language: said("language"), local_times: form.get("local_times") === "on",
      in_page: form.get("in_page") === "on", sounds_to: soundsTo,
    };
    run(async () => {
      await save(facts);
      onDone();
    });
  };
  const field = (name, label, input) => <Field name={name} label={label} defaultValue={contact[name] ?? ""} error={faultOf(error, name)} autoComplete="off" {...input} />;
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error, ["email", "phone", "zone", "quiet_from", "quiet_to"])} />
      {field("email", t("notices.email"), { type: "email", maxLength: 254 })}
      {field("phone", t("notices.phone"), { type: "tel", maxLength: 24, hint: t("notices.phone_hint") })}
      <div className="form-row">
        {field("quiet_from", t("notices.quiet_from"), { type: "time" })}
        {field("quiet_to", t("notices.quiet_to"), { type: "time" })}
      </div>
      {field("zone", t("notices.zone"), { defaultValue: contact.quiet_from ? contact.zone : Intl.DateTimeFormat().resolvedOptions().timeZone, hint: t("notices.quiet_hint") })}
      <Check name="local_times" label={t("notices.local_times")} defaultChecked={contact.local_times} />
      {field("language", t("notices.language"), { as: "select", hint: t("notices.language_hint"), children: LANGUAGES.map((each) => <option key={each} value={each}>{t("notices.language_of", { language: each })}</option>) })}
      <Check name="in_page" label={t("notices.in_page")} defaultChecked={contact.in_page} />
      <Field as="select" label={t("notices.sounds_to")} value={soundsTo} onChange={(event) => setSoundsTo(Number(event.target.value))}>
        {SOUNDS_TO.map((each) => <option key={each} value={each}>{t("notices.sounds_to_of", { priority: each })}</option>)}
      </Field>
      {soundsTo > 0 && <SoundTest priority={soundsTo} />}
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
    </form>
  );
}
