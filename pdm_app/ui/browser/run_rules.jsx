/* The rules that find runs: their conditions, what is wrong with them, and the form of one. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { exact } from "./format.js";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote } from "./parts.jsx";
import { UndoNote } from "./undo.jsx";

const KINDS = ["batch", "event"];
const NEW = { id: null, name: "", kind: "batch", enabled: true, condition: "", gap_s: 5, min_s: 0, product: "", signals: [], full_rate: false, pre_s: 10, post_s: 10, asset_id: "" };

export function RunRules({ siteId, mayConfigure, places }) {
  const { answer, error, again } = useQuery("batches.rules", { site_id: siteId || null });
  const [open, setOpen] = useState(null);
  const [deleted, setDeleted] = useState(null);
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("run_rules.title")}</h2>
        {mayConfigure && siteId && <button type="button" className="button push" onClick={() => setOpen(NEW)}>{t("run_rules.add")}</button>}
      </header>
      {error && !answer && <ErrorNote what={t("run_rules.failed")} error={error} again={again} />}
      {deleted && (
        <UndoNote
          key={deleted.id} what={t("run_rules.deleted", { name: deleted.name })} onOver={() => setDeleted(null)}
          onUndo={async () => {
            await link().mutate("batches.restore_rule", { rule_id: deleted.id });
            setDeleted(null);
            again();
          }}
        />
      )}
      {answer?.length === 0 && <EmptyNote title={t("run_rules.empty")} text={t("run_rules.empty_hint")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("run_rules.name")}</th><th>{t("batches.machine")}</th><th>{t("run_rules.condition")}</th></tr></thead>
          <tbody>
            {answer.map(({ rule, fault }) => (
              <tr key={rule.id}>
                <td>
                  {mayConfigure ? <button type="button" className="link" onClick={() => setOpen(rule)}>{rule.name}</button> : rule.name}
                  <div className="caption">{t("batches.kind", { kind: rule.kind })}{!rule.enabled && `, ${t("storage_rules.off")}`}</div>
                </td>
                <td data-label={t("batches.machine")} className="code">{places.get(rule.asset_id)?.asset.code ?? "–"}</td>
                <td data-label={t("run_rules.condition")}>
                  <span className="code">{rule.condition}</span>
                  {rule.full_rate && <div className="caption">{t("run_rules.full_rate_of", { pre: exact(rule.pre_s), post: exact(rule.post_s) })}</div>}
                  {fault && <div className="field-error">{fault}</div>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && (
        <Sheet title={open.id ? open.name : t("run_rules.add")} onClose={() => setOpen(null)} side>
          <RuleForm key={open.id ?? "new"} rule={open} siteId={siteId} places={places}
            onDone={() => { setOpen(null); again(); }} onDeleted={(gone) => { setOpen(null); setDeleted(gone); again(); }} />
        </Sheet>
      )}
    </section>
  );
}

function RuleForm({ rule, siteId, places, onDone, onDeleted }) {
  const machines = [...places.values()].filter((place) => place.site.id === siteId).map((place) => place.asset);
  const [machine, setMachine] = useState(rule.asset_id || machines[0]?.id || "");
  const [chosen, setChosen] = useState(rule.signals);
  const [full, setFull] = useState(rule.full_rate);
  const { answer: signals } = useQuery("signals.list", machine ? { asset_id: machine } : null);
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const words = (name) => String(form.get(name) ?? "").trim();
    const said = {
      name: words("name"), kind: words("kind"), condition: words("condition"), gap_s: Number(words("gap_s")), min_s: Number(words("min_s")),
      id_signal_id: words("id_signal_id") ? Number(words("id_signal_id")) : null, product: words("product"), signals: chosen,
      full_rate: full, pre_s: Number(words("pre_s") || 0), post_s: Number(words("post_s") || 0), enabled: form.get("enabled") === "on",
    };
    run(async () => {
      if (rule.id) await link().mutate("batches.change_rule", { rule_id: rule.id, revision: rule.revision, ...said });
      else await link().mutate("batches.create_rule", { site_id: siteId, asset_id: machine, ...said });
      onDone();
    });
  };
  const remove = () => run(async () => onDeleted(await link().mutate("batches.delete_rule", { rule_id: rule.id, revision: rule.revision })));
  const toggle = (id) => setChosen((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id]));
  const field = (name, input) => <Field name={name} label={t(`run_rules.field.${name}`)} defaultValue={rule[name] ?? ""} error={faultOf(error, name)} {...input} />;
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error, ["name", "condition"])} />
      {field("name", { required: true, maxLength: 120, autoComplete: "off" })}
      <div className="form-row">
        {field("kind", { as: "select", children: KINDS.map((kind) => <option key={kind} value={kind}>{t("batches.kind", { kind })}</option>) })}
        <Field as="select" label={t("batches.machine")} value={machine} disabled={Boolean(rule.id)} onChange={(event) => setMachine(event.target.value)}>
          {machines.map((asset) => <option key={asset.id} value={asset.id}>{asset.code}</option>)}
        </Field>
      </div>
      {field("condition", { as: "textarea", className: "input code", required: true, maxLength: 2000, hint: t("run_rules.condition_hint"), autoCapitalize: "none", spellCheck: "false" })}
      <div className="form-row">
        {field("gap_s", { type: "number", min: 0, max: 3600, step: "any", required: true })}
        {field("min_s", { type: "number", min: 0, max: 86400, step: "any", required: true })}
      </div>
      <div className="form-row">
        {field("id_signal_id", { as: "select", children: [<option key="" value="">{t("run_rules.numbered")}</option>, ...(signals ?? []).map((signal) => <option key={signal.id} value={signal.id}>{signal.label}</option>)] })}
        {field("product", { maxLength: 120, autoComplete: "off" })}
      </div>
      <fieldset className="stack">
        <legend className="field-label">{t("run_rules.field.signals")}</legend>
        {(signals ?? []).map((signal) => <Check key={signal.id} label={signal.label} checked={chosen.includes(signal.id)} onChange={() => toggle(signal.id)} />)}
      </fieldset>
      <Check label={t("run_rules.field.full_rate")} checked={full} onChange={(event) => setFull(event.target.checked)} />
      {full && (
        <div className="form-row">
          {field("pre_s", { type: "number", min: 0, max: 300, step: "any" })}
          {field("post_s", { type: "number", min: 0, max: 300, step: "any" })}
        </div>
      )}
      <Check name="enabled" label={t("storage_rules.field.enabled")} defaultChecked={rule.enabled} />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
        {rule.id && <button type="button" className="button" disabled={busy} onClick={remove}>{t("action.delete")}</button>}
      </div>
    </form>
  );
}
