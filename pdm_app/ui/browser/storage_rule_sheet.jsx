/* One rule of retention: what it is for, how long each tier stays, and what it would take, before it is saved. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Field, Refusal, Sheet, faultOf, messageOf } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Plan, TIERS } from "./storage_plan.jsx";

const CLASSES = ["number", "integer", "boolean", "text", "derived", "fast"];
const FIELDS = ["name", "site_id", "asset_id", "signal_class", "pattern", ...TIERS];

export function RuleSheet({ rule = null, onClose, onDone }) {
  const [typed, setTyped] = useState(() => Object.fromEntries(FIELDS.map((field) => [field, String(rule?.[field] ?? "")])));
  const [plan, setPlan] = useState(null);
  const [reason, setReason] = useState("");
  const [sure, setSure] = useState(false);
  const { run, busy, error } = useAct();
  const set = (field) => (event) => {
    setTyped((before) => ({ ...before, [field]: event.target.value }));
    setPlan(null);
  };
  const look = () => run(async () => setPlan(await link().query("retention.preview", { facts: facts(typed), rule_id: rule?.id ?? null })));
  const save = (event) => {
    event.preventDefault();
    if (!plan) return look();
    return run(async () => {
      if (rule) await link().mutate("retention.change", { rule_id: rule.id, facts: facts(typed), reason });
      else await link().mutate("retention.add", { facts: facts(typed), reason });
      onDone();
    });
  };
  const remove = () => run(async () => {
    await link().mutate("retention.remove", { rule_id: rule.id, reason });
    onDone();
  });
  return (
    <Sheet title={rule ? rule.name : t("retention.add")} onClose={onClose} side>
      <form className="entrance-form" onSubmit={save}>
        <Refusal message={messageOf(error)} />
        <Field label={t("retention.name")} value={typed.name} maxLength={120} required autoComplete="off" onChange={set("name")} />
        <Field label={t("retention.pattern")} hint={t("retention.pattern_hint")} className="input code" value={typed.pattern} maxLength={160} autoComplete="off" spellCheck="false" onChange={set("pattern")} />
        <Field label={t("retention.class")} as="select" value={typed.signal_class} onChange={set("signal_class")}>
          <option value="">{t("retention.every_signal")}</option>
          {CLASSES.map((kind) => <option key={kind} value={kind}>{t("retention.class_of", { kind })}</option>)}
        </Field>
        <Field label={t("retention.machine")} hint={t("retention.machine_hint")} className="input code" value={typed.asset_id} maxLength={36} autoComplete="off" spellCheck="false" error={faultOf(error, "asset_id")} onChange={set("asset_id")} />
        <fieldset className="storage-days">
          <legend className="field-label">{t("retention.keep")}</legend>
          {TIERS.map((tier) => (
            <Field key={tier} label={t("retention.tier_of", { tier })} type="number" min={1} max={36_500} step={1} inputMode="numeric" value={typed[tier]} onChange={set(tier)} />
          ))}
        </fieldset>
        <p className="caption">{t("retention.keep_hint")}</p>
        <Field label={t("retention.why")} value={reason} maxLength={2000} autoComplete="off" onChange={(event) => setReason(event.target.value)} />
        {plan && <p className="note" role="status"><Plan plan={plan} /></p>}
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={busy}>{t(plan ? "retention.save" : "retention.look")}</button>
          {rule && <button type="button" className="button" disabled={busy} onClick={sure ? remove : () => setSure(true)}>{t(sure ? "retention.remove_sure" : "retention.remove")}</button>}
        </div>
      </form>
    </Sheet>
  );
}

function facts(typed) {
  const given = { name: typed.name.trim(), pattern: typed.pattern.trim() };
  for (const field of ["site_id", "asset_id", "signal_class"]) given[field] = typed[field].trim() || null;
  for (const tier of TIERS) given[tier] = typed[tier] === "" ? null : Number(typed[tier]);
  return given;
}
