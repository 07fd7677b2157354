/* Rules that open maintenance events, and how a site estimates what work costs. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { useSignals } from "./directory.js";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { exact } from "./format.js";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { money, SeverityWord } from "./maintenance_parts.jsx";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { UndoNote } from "./undo.jsx";

const SEVERITIES = ["critical", "high", "medium"];
const FORM_PX_MAX = 480;

export function MaintenanceRules({ siteId, mayConfigure, places, machines }) {
  const { answer, error, again } = useQuery("maintenance.rules", siteId ? { site_id: siteId } : {});
  const [open, setOpen] = useState(null);
  const { run, busy, error: refused } = useAct();
  const [removed, setRemoved] = useState(null);
  const remove = (rule) => run(async () => {
    await link().mutate("maintenance.remove_rule", { rule_id: rule.id, revision: rule.revision });
    setRemoved(rule);
    again();
  });
  return (
    <>
      <section className="card">
        <header className="card-head">
          <h2>{t("maintenance.rules")}</h2>
          {mayConfigure && machines.length > 0 && <button type="button" className="button push" onClick={() => setOpen("new")}>{t("maintenance.add_rule")}</button>}
        </header>
        {error && !answer && <ErrorNote what={t("maintenance.failed")} error={error} again={again} />}
        {!answer && !error && <Skeleton height={80} />}
        {removed && (
          <UndoNote
            key={removed.id} what={t("maintenance.rule_removed", { name: removed.name })} onOver={() => setRemoved(null)}
            onUndo={async () => {
              const { id, revision, deleted_at, ...facts } = removed;
              await link().mutate("maintenance.add_rule", { facts });
              setRemoved(null);
              again();
            }}
          />
        )}
        {answer?.length === 0 && <EmptyNote title={t("maintenance.no_rules")} text={t("maintenance.no_rules_hint")} />}
        {answer?.length > 0 && (
          <table className="table people-table">
            <thead><tr><th>{t("maintenance.rule")}</th><th>{t("maintenance.for")}</th><th>{t("maintenance.condition")}</th><th>{t("maintenance.how_bad")}</th><th /></tr></thead>
            <tbody>
              {answer.map((rule) => (
                <tr key={rule.id}>
                  <td>{mayConfigure ? <button type="button" className="link" onClick={() => setOpen(rule)}>{rule.name}</button> : rule.name}{!rule.enabled && <div className="caption">{t("maintenance.off")}</div>}</td>
                  <td data-label={t("maintenance.for")}>{rule.asset_id ? <span className="code">{places.get(rule.asset_id)?.asset.code ?? rule.asset_id}</span> : rule.asset_class}</td>
                  <td data-label={t("maintenance.condition")}><Condition rule={rule} /></td>
                  <td data-label={t("maintenance.how_bad")}><SeverityWord severity={rule.severity} /></td>
                  <td>{mayConfigure && <button type="button" className="button button-small" disabled={busy} onClick={() => remove(rule)}>{t("maintenance.remove")}</button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <ActError error={refused} />
      </section>
      {siteId && <Costs siteId={siteId} mayConfigure={mayConfigure} />}
      {open && (
        <Sheet title={open === "new" ? t("maintenance.add_rule") : open.name} onClose={() => setOpen(null)} side>
          <RuleForm rule={open === "new" ? null : open} places={places} machines={machines} onDone={() => { setOpen(null); again(); }} />
        </Sheet>
      )}
    </>
  );
}

function Condition({ rule }) {
  const { sensor, score } = rule;
  const first = sensor.kind === "alarm"
    ? t("maintenance.alarm_stands", { priority: sensor.priority })
    : t("maintenance.beyond", { signal: sensor.signal, side: sensor.side, limit: exact(sensor.limit) });
  return <>{first} {t("maintenance.and_score", { signal: score.signal, threshold: exact(score.threshold) })}</>;
}

function RuleForm({ rule, places, machines, onDone }) {
  const [assetId, setAssetId] = useState(rule?.asset_id ?? machines[0].id);
  const [wide, setWide] = useState(Boolean(rule && !rule.asset_id));
  const [kind, setKind] = useState(rule?.sensor.kind ?? "signal");
  const signals = useSignals(assetId).filter((signal) => signal.data_type !== "text");
  const { run, busy, error } = useAct();
  const asset = places.get(assetId)?.asset;
  const assetClass = rule && !rule.asset_id ? rule.asset_class : asset?.asset_class ?? "";
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const sensor = kind === "alarm"
      ? { kind, priority: Number(form.get("priority")) }
      : { kind, signal: form.get("signal"), side: form.get("side"), limit: Number(form.get("limit")) };
    const facts = {
      site_id: rule?.site_id ?? places.get(assetId).site.id, name: form.get("name"), asset_id: wide ? null : assetId,
      asset_class: wide ? assetClass : "", sensor, score: { signal: form.get("score"), threshold: Number(form.get("threshold")) },
      severity: form.get("severity"), advice: form.get("advice"), enabled: form.get("enabled") === "on",
    };
    run(async () => {
      if (rule) await link().mutate("maintenance.change_rule", { rule_id: rule.id, revision: rule.revision, facts });
      else await link().mutate("maintenance.add_rule", { facts });
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit} key={signals.length}>
      <Refusal message={messageOf(error, ["name"])} />
      <Field label={t("maintenance.rule")} name="name" required maxLength={120} autoComplete="off" defaultValue={rule?.name ?? ""} error={faultOf(error, "name")} />
      <Field as="select" label={t("maintenance.machine")} value={assetId} onChange={(event) => setAssetId(event.target.value)}>
        {machines.map((each) => <option key={each.id} value={each.id}>{each.code} {each.name}</option>)}
      </Field>
      {assetClass && <Check label={t("maintenance.whole_class", { name: assetClass })} checked={wide} onChange={(event) => setWide(event.target.checked)} />}
      <Field as="select" label={t("maintenance.sensor")} value={kind} onChange={(event) => setKind(event.target.value)}>
        {["signal", "alarm"].map((each) => <option key={each} value={each}>{t("maintenance.sensor_kind", { kind: each })}</option>)}
      </Field>
      {kind === "alarm" && (
        <Field as="select" label={t("maintenance.priority")} name="priority" defaultValue={rule?.sensor.priority ?? 1}>
          {[1, 2, 3, 4].map((priority) => <option key={priority} value={priority}>{t("journal.one_priority", { priority })}</option>)}
        </Field>
      )}
      {kind === "signal" && (
        <>
          <SignalField label={t("maintenance.signal")} name="signal" signals={signals} chosen={rule?.sensor.signal} />
          <Field as="select" label={t("maintenance.side_of")} name="side" defaultValue={rule?.sensor.side ?? "above"}>
            {["above", "below"].map((side) => <option key={side} value={side}>{t("maintenance.side", { side })}</option>)}
          </Field>
          <Field label={t("maintenance.limit")} name="limit" type="number" step="any" required defaultValue={rule?.sensor.limit ?? ""} />
        </>
      )}
      <SignalField label={t("maintenance.score")} name="score" signals={signals} chosen={rule?.score.signal} hint={t("maintenance.score_hint")} />
      <Field label={t("maintenance.threshold")} name="threshold" type="number" step="any" required defaultValue={rule?.score.threshold ?? ""} />
      <Field as="select" label={t("maintenance.how_bad")} name="severity" defaultValue={rule?.severity ?? "critical"}>
        {SEVERITIES.map((severity) => <option key={severity} value={severity}>{t("maintenance.severity", { severity })}</option>)}
      </Field>
      <Field as="textarea" label={t("maintenance.advice")} name="advice" maxLength={2000} defaultValue={rule?.advice ?? ""} />
      <Check name="enabled" label={t("maintenance.enabled")} defaultChecked={rule?.enabled ?? true} />
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
    </form>
  );
}

function SignalField({ signals, chosen, ...field }) {
  return (
    <Field as="select" required defaultValue={chosen} {...field}>
      {chosen && !signals.some((signal) => signal.name === chosen) && <option value={chosen}>{chosen}</option>}
      {signals.map((signal) => <option key={signal.id} value={signal.name}>{signal.label}</option>)}
    </Field>
  );
}

/** One line of the list of classes; what is no amount is sent as none, and refused with its place. */
function classOf(line) {
  const end = line.lastIndexOf("=");
  const base = end < 0 ? "" : line.slice(end + 1).trim();
  return { asset_class: (end < 0 ? line : line.slice(0, end)).trim(), base: base === "" ? null : Number(base) };
}

/** What an event is estimated at: a base, times a factor for its severity. */
function Costs({ siteId, mayConfigure }) {
  const { answer, error, again } = useQuery("maintenance.costs", { site_id: siteId });
  const { run, busy, error: refused } = useAct();
  if (error && !answer) return <section className="card"><ErrorNote what={t("maintenance.failed")} error={error} again={again} /></section>;
  if (!answer) return null;
  const { basis, currency } = answer;
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const classes = form.get("classes").split("\n").filter((line) => line.trim()).map(classOf);
    const facts = { base: Number(form.get("base")), classes, ...Object.fromEntries(SEVERITIES.map((severity) => [severity, Number(form.get(severity))])) };
    run(async () => {
      await link().mutate("maintenance.put_costs", { site_id: siteId, facts, revision: basis?.revision ?? 0 });
      again();
    });
  };
  return (
    <section className="card">
      <header className="card-head"><h2>{t("maintenance.costs")}</h2></header>
      {!basis && <p className="muted">{t("maintenance.no_costs")}</p>}
      {basis && <p>{t("maintenance.critical_costs")} <span className="strong">{money(basis.base * basis.critical, currency)}</span></p>}
      {mayConfigure && (
        <form className="entrance-form" style={{ maxWidth: FORM_PX_MAX }} key={basis?.revision ?? 0} onSubmit={submit}>
          <ActError error={refused} />
          <Field label={t("maintenance.base", { currency })} name="base" type="number" min="0" max="1000000000000" step="0.01" required defaultValue={basis?.base ?? ""} />
          {SEVERITIES.map((severity) => (
            <Field key={severity} label={t("maintenance.factor", { severity })} name={severity} type="number" min="0" max="1000" step="any" required defaultValue={basis?.[severity] ?? (severity === "critical" ? 1.5 : 1)} />
          ))}
          <Field as="textarea" label={t("maintenance.classes")} name="classes" hint={t("maintenance.classes_hint")} defaultValue={(basis?.classes ?? []).map((each) => `${each.asset_class} = ${each.base}`).join("\n")} />
          <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
        </form>
      )}
    </section>
  );
}
