/* One signal in its form: a measured one with its source, a derived one with its formula; a stale save says who was first. */
import { useRef, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { usePlaces } from "./directory.js";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { FormulaEditor } from "./formula_editor.jsx";
import { useQuery } from "./hooks.js";
import { codeOf, link } from "./link.js";
import { t } from "./messages.js";
import { changesOf } from "./plant_edit.js";
import { derivedOf, measuredOf } from "./signals.js";

const LOOKS = ["name", "label", "unit", "decimals", "range_low", "range_high", "normal_low", "normal_high"];
const SOURCE = ["connection_id", "address", "scale", "offset", "poll_every_s", "deadband", "stale_after_s"];
const TYPES = ["number", "integer", "boolean", "text"];
const TYPES_DERIVED = ["number", "boolean"];
export const NEW = { name: "", label: "", unit: "", data_type: "number", decimals: 1, connection_id: null, address: {}, scale: 1, offset: 0, poll_every_s: 1, deadband: 0, stale_after_s: 10 };

/** `signal` is a record, or `NEW` with a formula or without; `onSaved` gets what is stored. */
export function SignalSheet({ signal, onStale, onClose, onSaved }) {
  const opened = useRef(signal);
  const newest = useRef(signal.revision);
  const first = opened.current;
  const isNew = first.id === undefined;
  const isDerived = typeof first.formula === "string";
  const places = usePlaces();
  const [assetId, setAssetId] = useState(first.asset_id ?? "");
  const [type, setType] = useState(first.data_type);
  const [unit, setUnit] = useState(first.unit === "1" ? "" : first.unit);
  const [formula, setFormula] = useState(first.formula ?? "");
  const [fault, setFault] = useState("");
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    setFault("");
    let said;
    try {
      const form = new FormData(event.currentTarget);
      said = isDerived ? derivedOf(form, formula) : measuredOf(form);
    } catch {
      setFault(t("signals.address_no_json"));
      return;
    }
    run(async () => {
      try {
        const made = isNew
          ? await link().mutate("signals.create", { ...said, asset_id: assetId, data_type: type })
          : await link().mutate("signals.change", { signal_id: first.id, revision: newest.current, ...changesOf(first, said) });
        onSaved(made);
      } catch (refused) {
        if (codeOf(refused) === "CONFLICT" && refused.data?.facts?.revision) newest.current = refused.data.facts.revision;
        if (codeOf(refused) === "CONFLICT") onStale?.();
        throw refused;
      }
    });
  };
  const fields = isDerived ? [...LOOKS, "formula", "asset_id"] : [...LOOKS, ...SOURCE, "asset_id"];
  const machines = [...places.values()].map(({ asset }) => asset).sort((one, other) => one.code.localeCompare(other.code));
  const text = (name, more = {}) => <Field key={name} label={t(`signals.field.${name}`)} name={name} defaultValue={first[name] ?? ""} error={faultOf(error, name)} {...more} />;
  const amount = (name, more = {}) => text(name, { inputMode: "decimal", autoComplete: "off", ...more });
  return (
    <Sheet title={t(isNew ? (isDerived ? "signals.add_derived" : "signals.add") : "signals.edit")} onClose={onClose} side>
      <form className="entrance-form signal-form" onSubmit={submit}>
        <Refusal message={messageOf(error, fields)} />
        <Field label={t("devices.asset")} as="select" value={assetId} onChange={(event) => setAssetId(event.target.value)} required disabled={!isNew} error={faultOf(error, "asset_id")}>
          <option value="">{t("signals.choose_machine")}</option>
          {machines.map((asset) => <option key={asset.id} value={asset.id}>{asset.code} {asset.name}</option>)}
        </Field>
        {text("label", { required: true, maxLength: 80, autoComplete: "off", autoFocus: true, hint: t("signals.label_hint") })}
        {text("name", { required: true, maxLength: 80, pattern: "[A-Za-z][A-Za-z0-9_]*", autoComplete: "off", spellCheck: "false", className: "input code", hint: t("signals.name_hint") })}
        <div className="form-row">
          <Field label={t("signals.field.data_type")} as="select" value={type} onChange={(event) => setType(event.target.value)} disabled={!isNew} error={faultOf(error, "data_type")}>
            {(isDerived ? TYPES_DERIVED : TYPES).map((one) => <option key={one} value={one}>{t("signals.type", { type: one })}</option>)}
          </Field>
          <Field label={t("signals.field.unit")} name="unit" value={unit} onChange={(event) => setUnit(event.target.value)} maxLength={24} autoComplete="off" spellCheck="false" hint={t("signals.unit_hint")} error={faultOf(error, "unit")} />
        </div>
        {isDerived && (
          <FormulaEditor assetId={assetId} unit={unit.trim() || "1"} isTruth={type === "boolean"} decimals={Number(first.decimals ?? 1)} value={formula} onChange={setFormula} error={faultOf(error, "formula") ? error : null} />
        )}
        {!isDerived && <Source first={first} text={text} amount={amount} fault={fault || faultOf(error, "address")} error={error} />}
        <details className="signal-more" open={!isNew && fields.some((field) => LOOKS.slice(3).includes(field) && faultOf(error, field))}>
          <summary>{t("signals.looks")}</summary>
          <div className="form-row">{amount("decimals", { inputMode: "numeric" })}</div>
          <div className="form-row">{amount("normal_low")}{amount("normal_high")}</div>
          <div className="form-row">{amount("range_low")}{amount("range_high")}</div>
        </details>
        <button type="submit" className="button button-primary" disabled={busy || (isDerived && !formula.trim())}>{t("action.save")}</button>
      </form>
    </Sheet>
  );
}

function Source({ first, text, amount, fault, error }) {
  const { answer } = useQuery("connections.list");
  const address = Object.keys(first.address ?? {}).length ? JSON.stringify(first.address) : "";
  return (
    <>
      <Field label={t("signals.source")} as="select" name="connection_id" key={answer ? "known" : "asked"} defaultValue={first.connection_id ?? ""} error={faultOf(error, "connection_id")}>
        <option value="">{t("signals.source_http")}</option>
        {(answer ?? []).map(({ connection }) => <option key={connection.id} value={connection.id}>{connection.name}</option>)}
      </Field>
      {text("address", { defaultValue: address, as: "textarea", rows: 2, className: "input code", spellCheck: "false", hint: t("signals.address_hint"), error: fault })}
      <div className="form-row">{amount("scale")}{amount("offset")}</div>
      <div className="form-row">{amount("poll_every_s")}{amount("deadband")}{amount("stale_after_s")}</div>
    </>
  );
}
