/* How one machine is rated: what its signals say of its state, what counts its pieces, and how fast it should be. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { useSignals } from "./directory.js";
import { Check, Field, messageOf, Refusal } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { kindOfTime, reasonName } from "./production_words.js";

const FOUND = ["running", "slow", "idle", "starved", "blocked", "setup", "planned", "down", "no_data"];
const STANDS = ["idle", "starved", "blocked", "setup", "planned", "down"];
const COUNTERS = ["made", "good", "scrap", "rework"];
const NO_RULE = { low: null, high: null, state: "running", reason_id: null, may_be_minor: true };
const orNull = (typed) => (typed === "" || typed === null ? null : Number(typed));

export function MachineForm({ unit, products, reasons, mayConfigure, onDone }) {
  const signals = useSignals(unit.asset_id).filter((signal) => signal.data_type !== "text");
  const [rules, setRules] = useState(unit.rules ?? []);
  const [cycles, setCycles] = useState(unit.cycles ?? []);
  const { run, busy, error } = useAct();
  const put = (list, place, facts) => list.map((each, other) => (other === place ? { ...each, ...facts } : each));
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const target = orNull(form.get("target"));
    const facts = {
      rules, cycles,
      gap_s: Number(form.get("gap_s")),
      minor_stop_s: Number(form.get("minor_stop_s")),
      ...Object.fromEntries(COUNTERS.map((kind) => [`${kind}_signal_id`, orNull(form.get(kind))])),
      counter_modulus: orNull(form.get("counter_modulus")),
      pieces_per_count: Number(form.get("pieces_per_count")),
      startup_pieces: Number(form.get("startup_pieces")),
      energy_signal_id: orNull(form.get("energy")),
      product_signal_id: orNull(form.get("product")),
      is_constraint: form.get("is_constraint") === "on",
      target_oee: target === null ? null : target / 100,
    };
    run(async () => {
      await link().mutate("production.put_unit", { asset_id: unit.asset_id, facts, revision: unit.revision, reason: form.get("reason") });
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit} key={signals.length}>
      <Refusal message={messageOf(error)} />
      <fieldset className="setup-part" disabled={!mayConfigure}>
        <legend>{t("production.how_rated")}</legend>
        <Check name="is_constraint" label={t("production.constraint_check")} defaultChecked={unit.is_constraint ?? false} />
        <div className="form-row">
          <Field name="target" type="number" step="any" min={0.1} max={100} label={t("production.target_percent")} defaultValue={unit.target_oee ? Math.round(unit.target_oee * 1e4) / 100 : ""} />
          <Field name="minor_stop_s" type="number" step="any" min={0} max={3600} required label={t("production.minor_below_s")} defaultValue={unit.minor_stop_s ?? 120} />
          <Field name="gap_s" type="number" step="any" min={1} max={86_400} required label={t("production.gap_s")} defaultValue={unit.gap_s ?? 600} />
        </div>
      </fieldset>
      <fieldset className="setup-part" disabled={!mayConfigure}>
        <legend>{t("production.state_rules")}</legend>
        <p className="caption">{t("production.state_rules_hint")}</p>
        {rules.map((rule, place) => (
          <Rule key={place} rule={rule} signals={signals} reasons={reasons} onChange={(facts) => setRules(put(rules, place, facts))} onRemove={() => setRules(rules.filter((_, other) => other !== place))} />
        ))}
        {signals.length > 0 && <div className="note-actions"><button type="button" className="button" onClick={() => setRules([...rules, { ...NO_RULE, ...rules.at(-1), signal_id: rules.at(-1)?.signal_id ?? signals[0].id }])}>{t("production.add_rule")}</button></div>}
      </fieldset>
      <fieldset className="setup-part" disabled={!mayConfigure}>
        <legend>{t("production.counters")}</legend>
        <p className="caption">{t("production.counters_hint")}</p>
        <div className="form-row">
          {COUNTERS.map((kind) => <SignalField key={kind} name={kind} label={t("production.counter", { kind })} signals={signals} chosen={unit[`${kind}_signal_id`]} />)}
        </div>
        <div className="form-row">
          <Field name="counter_modulus" type="number" step="any" min={2} label={t("production.counter_modulus")} defaultValue={unit.counter_modulus ?? ""} />
          <Field name="pieces_per_count" type="number" step="any" min={0.000001} required label={t("production.pieces_per_count")} defaultValue={unit.pieces_per_count ?? 1} />
          <Field name="startup_pieces" type="number" step={1} min={0} max={1_000_000} required label={t("production.startup_pieces")} defaultValue={unit.startup_pieces ?? 0} />
        </div>
      </fieldset>
      <fieldset className="setup-part" disabled={!mayConfigure}>
        <legend>{t("production.energy")}</legend>
        <SignalField name="energy" label={t("production.energy_signal")} signals={signals} chosen={unit.energy_signal_id} />
      </fieldset>
      <fieldset className="setup-part" disabled={!mayConfigure}>
        <legend>{t("production.cycles")}</legend>
        <SignalField name="product" label={t("production.product_signal")} signals={signals} chosen={unit.product_signal_id} />
        {cycles.map((cycle, place) => (
          <div key={place} className="form-row">
            <Field as="select" label={t("production.product")} value={cycle.product_id ?? ""} onChange={(event) => setCycles(put(cycles, place, { product_id: event.target.value || null }))}>
              <option value="">{t("production.every_product")}</option>
              {products.map((product) => <option key={product.id} value={product.id}>{product.code} {product.name}</option>)}
            </Field>
            <Field type="number" step="any" min={0.000001} required label={t("production.cycle_s")} value={cycle.seconds} onChange={(event) => setCycles(put(cycles, place, { seconds: Number(event.target.value) }))} />
            <Field type="date" label={t("production.from_day")} value={dayOf(cycle.from_at)} onChange={(event) => setCycles(put(cycles, place, { from_at: event.target.value ? new Date(`${event.target.value}T00:00`).getTime() * 1_000 : 0 }))} />
            <button type="button" className="button button-small" onClick={() => setCycles(cycles.filter((_, other) => other !== place))}>{t("production.remove")}</button>
          </div>
        ))}
        <div className="note-actions"><button type="button" className="button" onClick={() => setCycles([...cycles, { product_id: null, seconds: 1, from_at: 0 }])}>{t("production.add_cycle")}</button></div>
      </fieldset>
      {mayConfigure && (
        <>
          <Field name="reason" label={t("production.why_changed")} maxLength={2000} autoComplete="off" />
          <p className="caption">{t("production.unit_hint")}</p>
          <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
        </>
      )}
    </form>
  );
}

function Rule({ rule, signals, reasons, onChange, onRemove }) {
  return (
    <div className="setup-rule">
      <div className="form-row">
        <Field as="select" label={t("production.signal")} value={rule.signal_id} onChange={(event) => onChange({ signal_id: Number(event.target.value) })}>
          <Options signals={signals} chosen={rule.signal_id} />
        </Field>
        <Field type="number" step="any" label={t("production.from_value")} value={rule.low ?? ""} onChange={(event) => onChange({ low: orNull(event.target.value) })} />
        <Field type="number" step="any" label={t("production.below_value")} value={rule.high ?? ""} onChange={(event) => onChange({ high: orNull(event.target.value) })} />
        <Field as="select" label={t("production.means")} value={rule.state} onChange={(event) => onChange({ state: event.target.value, ...(STANDS.includes(event.target.value) ? {} : { reason_id: null }) })}>
          {FOUND.map((state) => <option key={state} value={state}>{kindOfTime(state)}</option>)}
        </Field>
        {STANDS.includes(rule.state) && (
          <Field as="select" label={t("production.known_reason")} value={rule.reason_id ?? ""} onChange={(event) => onChange({ reason_id: event.target.value || null })}>
            <option value="">{t("production.reason_asked")}</option>
            {reasons.map((reason) => <option key={reason.id} value={reason.id}>{reasonName(reason, reason.state)}</option>)}
          </Field>
        )}
      </div>
      <div className="setup-line">
        {STANDS.includes(rule.state) && <Check label={t("production.may_be_minor")} checked={rule.may_be_minor} onChange={(event) => onChange({ may_be_minor: event.target.checked })} />}
        <button type="button" className="button button-small push" onClick={onRemove}>{t("production.remove")}</button>
      </div>
    </div>
  );
}

function SignalField({ signals, chosen, ...field }) {
  return (
    <Field as="select" defaultValue={chosen ?? ""} {...field}>
      <option value="">{t("production.no_signal")}</option>
      <Options signals={signals} chosen={chosen} />
    </Field>
  );
}

/** Signals to choose from; one of another machine, such as a camera behind it, stays chosen by its number. */
function Options({ signals, chosen }) {
  const is_foreign = chosen !== null && chosen !== undefined && !signals.some((signal) => signal.id === chosen);
  return (
    <>
      {is_foreign && <option value={chosen}>{t("production.other_signal", { id: chosen })}</option>}
      {signals.map((signal) => <option key={signal.id} value={signal.id}>{signal.label || signal.name}</option>)}
    </>
  );
}

/** The day of a moment as a date field wants it, in the reader's zone; empty for always. */
function dayOf(at) {
  if (!at) return "";
  const day = new Date(at / 1_000);
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
}
