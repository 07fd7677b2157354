/* Storage rules: which samples are kept, what that costs, and the form of one with its estimate. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { exact, number, size } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { UndoNote } from "./undo.jsx";

const METHODS = ["door", "change", "interval", "all"];
const TYPES = ["number", "integer", "boolean"];
const TYPED_MS = 600;
const NEW = { id: null, name: "", position: 0, enabled: true, pattern: "*", asset_id: null, unit: null, data_type: null,
  method: "door", bound: 0.5, bound_in: "range_percent", every_s: 10, keep_peaks: true, at_least_every_s: 600 };

export const StorageRules = guarded(function StorageRules({ siteId = "", mayConfigure = false }) {
  const { answer, error, again } = useQuery("storage_rules.list", { site_id: siteId || null });
  const [open, setOpen] = useState(null);
  const [deleted, setDeleted] = useState(null);
  if (error && !answer) return <section className="card"><ErrorNote what={t("storage_rules.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={120} /></section>;
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("storage_rules.list")}</h2>
        {mayConfigure && siteId && <button type="button" className="button button-primary push" onClick={() => setOpen({ ...NEW, position: answer.length })}>{t("storage_rules.add")}</button>}
      </header>
      <p className="muted">{t("storage_rules.hint")}</p>
      {deleted && (
        <UndoNote
          key={deleted.id} what={t("storage_rules.deleted", { name: deleted.name })} onOver={() => setDeleted(null)}
          onUndo={async () => {
            await link().mutate("storage_rules.restore", { rule_id: deleted.id });
            setDeleted(null);
            again();
          }}
        />
      )}
      {answer.length === 0 && <EmptyNote title={t("storage_rules.empty")} text={t("storage_rules.empty_hint")} />}
      {answer.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("storage_rules.name")}</th><th>{t("storage_rules.what")}</th><th>{t("storage_rules.how")}</th><th className="right">{t("storage_rules.signals")}</th><th className="right">{t("storage_rules.thinned")}</th></tr></thead>
          <tbody>
            {answer.map(({ rule, signals, thinned }) => (
              <tr key={rule.id}>
                <td>
                  {mayConfigure ? <button type="button" className="link" onClick={() => setOpen(rule)}>{rule.name}</button> : rule.name}
                  {!rule.enabled && <div className="caption">{t("storage_rules.off")}</div>}
                </td>
                <td data-label={t("storage_rules.what")} className="code caption">{[rule.pattern, rule.unit, rule.data_type].filter(Boolean).join(", ")}</td>
                <td data-label={t("storage_rules.how")}>{howOf(rule)}</td>
                <td data-label={t("storage_rules.signals")} className="right">{number(signals)}</td>
                <td data-label={t("storage_rules.thinned")} className="right">{number(thinned)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && (
        <Sheet title={open.id ? open.name : t("storage_rules.add")} onClose={() => setOpen(null)} side>
          <RuleForm key={open.id ?? "new"} rule={open} siteId={siteId}
            onDone={() => { setOpen(null); again(); }}
            onDeleted={(gone) => { setOpen(null); setDeleted(gone); again(); }} />
        </Sheet>
      )}
    </section>
  );
});

function howOf(rule) {
  const bound = t("storage_rules.bound_of", { bound: exact(rule.bound), in: rule.bound_in });
  return t("storage_rules.how_of", { method: rule.method, bound, seconds: exact(rule.every_s) });
}

const optional = (words) => (words ? words : null);

/** What a form says, as the facts of a rule. */
function factsOf(form, siteId) {
  const said = (name) => String(form.get(name) ?? "").trim();
  const count = (name, otherwise) => (said(name) === "" ? otherwise : Number(said(name)));
  return {
    site_id: siteId, name: said("name"), position: count("position", 0), enabled: form.get("enabled") === "on",
    pattern: said("pattern") || "*", unit: optional(said("unit")), data_type: optional(said("data_type")),
    method: said("method"), bound: count("bound", 0), bound_in: said("bound_in") || "unit",
    every_s: count("every_s", 0), keep_peaks: form.get("keep_peaks") === "on", at_least_every_s: count("at_least_every_s", 600),
  };
}

function RuleForm({ rule, siteId, onDone, onDeleted }) {
  const [method, setMethod] = useState(rule.method);
  const [facts, setFacts] = useState({ ...rule, site_id: rule.site_id ?? siteId });
  const { run, busy, error } = useAct();
  const read = (event) => setFacts({ ...factsOf(new FormData(event.currentTarget), rule.site_id ?? siteId), asset_id: rule.asset_id });
  const submit = (event) => {
    event.preventDefault();
    const said = { ...factsOf(new FormData(event.currentTarget), rule.site_id ?? siteId), asset_id: rule.asset_id };
    run(async () => {
      if (rule.id) {
        const { site_id: _, ...changes } = said;
        await link().mutate("storage_rules.change", { rule_id: rule.id, revision: rule.revision, ...changes });
      } else await link().mutate("storage_rules.create", said);
      onDone();
    });
  };
  const remove = () => run(async () => onDeleted(await link().mutate("storage_rules.delete", { rule_id: rule.id, revision: rule.revision })));
  const field = (name, input) => <Field name={name} label={t(`storage_rules.field.${name}`)} defaultValue={rule[name] ?? ""} error={faultOf(error, name)} {...input} />;
  return (
    <form className="entrance-form" onSubmit={submit} onChange={read}>
      <Refusal message={messageOf(error, ["name", "pattern", "bound", "every_s"])} />
      {field("name", { required: true, maxLength: 120, autoComplete: "off" })}
      {field("pattern", { hint: t("storage_rules.pattern_hint"), className: "input code", autoCapitalize: "none", spellCheck: "false" })}
      <div className="form-row">
        {field("unit", { autoCapitalize: "none", spellCheck: "false" })}
        {field("data_type", { as: "select", children: [<option key="" value="">{t("storage_rules.any")}</option>, ...TYPES.map((type) => <option key={type} value={type}>{t("storage_rules.type", { type })}</option>)] })}
      </div>
      {field("method", { as: "select", hint: t("storage_rules.method_hint", { method }), onChange: (event) => setMethod(event.target.value),
        children: METHODS.map((each) => <option key={each} value={each}>{t("storage_rules.method", { method: each })}</option>) })}
      {(method === "door" || method === "change") && (
        <div className="form-row">
          {field("bound", { type: "number", min: 0, step: "any", required: true })}
          {field("bound_in", { as: "select", children: ["unit", "range_percent"].map((each) => <option key={each} value={each}>{t("storage_rules.bound_in", { in: each })}</option>) })}
        </div>
      )}
      {method === "interval" && field("every_s", { type: "number", min: 0.1, max: 86400, step: "any", required: true })}
      {method === "interval" && <Check name="keep_peaks" label={t("storage_rules.field.keep_peaks")} defaultChecked={rule.keep_peaks} />}
      <div className="form-row">
        {field("at_least_every_s", { type: "number", min: 1, max: 86400, step: "any" })}
        {field("position", { type: "number", step: 1 })}
      </div>
      <Check name="enabled" label={t("storage_rules.field.enabled")} defaultChecked={rule.enabled} />
      <Estimate facts={facts} />
      <ActError error={null} />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
        {rule.id && <button type="button" className="button" disabled={busy} onClick={remove}>{t("action.delete")}</button>}
      </div>
    </form>
  );
}

/** What the rule would come to, asked again whenever somebody stops typing. */
function Estimate({ facts }) {
  const [asked, setAsked] = useState(null);
  const key = JSON.stringify(facts);
  useEffect(() => {
    const timer = setTimeout(() => {
      const { id: _, revision: __, changed_at: ___, changed_by: ____, deleted_at: _____, ...rule } = JSON.parse(key);
      setAsked({ ...rule, name: rule.name || "-" });
    }, TYPED_MS);
    return () => clearTimeout(timer);
  }, [key]);
  const { answer, error, loading } = useQuery("storage_rules.estimate", asked);
  if (asked && error) return <p className="note note-error" data-compact="true">{messageOf(error)}</p>;
  if (!answer) return <div className="note"><Skeleton height={40} /></div>;
  return (
    <div className="note rule-estimate" role="status" data-old={loading}>
      <p className="note-title">
        {answer.share === null ? t("storage_rules.estimate_none") : t("storage_rules.estimate", { size: size(answer.bytes_per_month), share: number(answer.share * 100, 1), now: size(answer.bytes_per_month_now) })}
      </p>
      <p className="note-text">
        {t("storage_rules.estimate_signals", { count: answer.signals, names: answer.names.slice(0, 4).join(", ") || "–" })}
        {answer.error_max !== null && ` ${t("storage_rules.estimate_error", { error: exact(answer.error_max) })}`}
      </p>
    </div>
  );
}
