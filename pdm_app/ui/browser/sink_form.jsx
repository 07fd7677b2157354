/* The form of one sink: where to, which signals, tried before it is saved. */
import { useRef, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Check, Field, faultOf, messageOf, Refusal } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";

const KINDS = ["csv", "parquet", "postgresql", "influxdb"];
const TYPES = ["number", "integer", "boolean", "text"];
const TLS = ["verify", "encrypt", "none"];
const NUMBERS = ["port", "timeout_s", "megabytes_max", "minutes_max", "version"];
/* Of each kind its fields in order, with what the inputs take. */
const FIELDS = {
  csv: [["folder", { required: true, pattern: "[A-Za-z0-9][A-Za-z0-9_\\-]*", maxLength: 60 }], ["megabytes_max", { type: "number", min: 1, max: 10000 }], ["minutes_max", { type: "number", min: 1, max: 1440 }]],
  postgresql: [["host", { required: true, maxLength: 253 }], ["port", { type: "number", min: 1, max: 65535 }], ["database", { required: true, maxLength: 120 }], ["username", { required: true, maxLength: 120, autoComplete: "off" }], ["table", { required: true, pattern: "[a-z_][a-z0-9_]*", maxLength: 60 }]],
  influxdb: [["url", { required: true, type: "url", maxLength: 300 }], ["database", { required: true, maxLength: 120 }], ["measurement", { required: true, maxLength: 120 }]],
};
FIELDS.parquet = FIELDS.csv;
const DEFAULTS = {
  csv: { megabytes_max: 100, minutes_max: 60 }, parquet: { megabytes_max: 100, minutes_max: 60 },
  postgresql: { port: 5432, table: "pdm_samples", tls: "verify", timescale: false },
  influxdb: { url: "http://", version: 1, measurement: "pdm_samples", organisation: "", retention_policy: "", username: "" },
};
const OF_VERSION = { 1: ["username", "retention_policy"], 2: ["organisation"] };

export const NEW_SINK = { id: null, name: "", enabled: true, pattern: "*", asset_id: null, data_type: null, options: { kind: "csv" } };

export function SinkForm({ sink, hasSecret, tried, onDone, onDeleted }) {
  const [kind, setKind] = useState(sink.options.kind);
  const [version, setVersion] = useState(sink.options.version ?? 1);
  const [outcome, setOutcome] = useState(null);
  const form = useRef(null);
  const { run, busy, error } = useAct();
  const isFile = kind === "csv" || kind === "parquet";
  const before = sink.options.kind === kind ? { ...DEFAULTS[kind], ...sink.options } : DEFAULTS[kind];
  const read = () => factsOf(new FormData(form.current), { ...sink, options: { ...before, kind } });
  const secret = () => String(new FormData(form.current).get("secret") ?? "");
  const save = (event) => {
    event.preventDefault();
    run(async () => {
      const facts = read();
      if (sink.id) {
        const { site_id: _, ...changes } = facts;
        await link().mutate("sinks.change", { sink_id: sink.id, revision: sink.revision, ...changes });
        if (secret()) await link().mutate("sinks.put_secret", { sink_id: sink.id, secret: secret() });
      } else await link().mutate("sinks.create", { facts, secret: isFile ? "" : secret() });
      onDone();
    });
  };
  const test = () => {
    if (!form.current.reportValidity()) return;
    setOutcome(null);
    run(async () => setOutcome(await link().mutate("sinks.test_connection", { facts: { ...read(), name: read().name || "-" }, sink_id: sink.id, secret: secret() || null })));
  };
  const remove = () => run(async () => onDeleted(await link().mutate("sinks.delete", { sink_id: sink.id, revision: sink.revision })));
  const option = (name, input = {}) => (
    <Field key={`${kind}.${name}`} name={`options.${name}`} label={t(`sinks.field.${name}`)} defaultValue={before[name] ?? ""}
      autoCapitalize="none" spellCheck="false" error={issueOf(error, name)} {...input} />
  );
  return (
    <form ref={form} className="entrance-form" onSubmit={save} onChange={() => setOutcome(null)}>
      <Refusal message={messageOf(error, ["name", "pattern", "secret"])} />
      <Field name="name" label={t("sinks.field.name")} defaultValue={sink.name} required maxLength={120} autoComplete="off" error={faultOf(error, "name")} />
      <Field name="kind" as="select" label={t("sinks.field.kind")} hint={tried[kind] && t("sinks.tried_with", { words: tried[kind] })} value={kind} disabled={Boolean(sink.id)} onChange={(event) => setKind(event.target.value)}>
        {KINDS.map((each) => <option key={each} value={each}>{t("sinks.kind", { kind: each })}</option>)}
      </Field>
      {kind === "influxdb" && (
        <Field name="options.version" as="select" label={t("sinks.field.version")} value={version} onChange={(event) => setVersion(Number(event.target.value))}>
          <option value={1}>1.x</option><option value={2}>2.x</option>
        </Field>
      )}
      {FIELDS[kind].map(([name, input]) => option(name, isFile && name === "folder" ? { ...input, readOnly: Boolean(sink.id), hint: t("sinks.folder_hint") } : input))}
      {kind === "influxdb" && OF_VERSION[version].map((name) => option(name, { maxLength: 120, autoComplete: "off", required: name === "organisation" }))}
      {kind === "postgresql" && option("tls", { as: "select", children: TLS.map((each) => <option key={each} value={each}>{t("sinks.tls", { tls: each })}</option>) })}
      {kind === "postgresql" && <Check name="options.timescale" label={t("sinks.field.timescale")} defaultChecked={before.timescale} />}
      {!isFile && <Field name="secret" type="password" label={t("sinks.field.secret")} hint={hasSecret ? t("sinks.secret_kept") : t("sinks.secret_hint")} autoComplete="off" maxLength={2048} error={faultOf(error, "secret")} />}
      <Field name="pattern" label={t("sinks.field.pattern")} hint={t("storage_rules.pattern_hint")} className="input code" defaultValue={sink.pattern} autoCapitalize="none" spellCheck="false" error={faultOf(error, "pattern")} />
      <Field name="data_type" as="select" label={t("sinks.field.data_type")} defaultValue={sink.data_type ?? ""}>
        <option value="">{t("storage_rules.any")}</option>
        {TYPES.map((type) => <option key={type} value={type}>{t("sinks.type", { type })}</option>)}
      </Field>
      {!sink.id && <Field name="begins_at" type="datetime-local" step={1} label={t("sinks.field.begins_at")} hint={t("sinks.begins_hint")} />}
      <Check name="enabled" label={t("sinks.field.enabled")} defaultChecked={sink.enabled} />
      {outcome && (
        <p className={outcome.reached ? "note" : "note note-error"} data-compact="true" role="status">{outcome.detail}</p>
      )}
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
        <button type="button" className="button" disabled={busy} onClick={test}>{t("sinks.test")}</button>
        {sink.id && <button type="button" className="button" disabled={busy} onClick={remove}>{t("action.delete")}</button>}
      </div>
    </form>
  );
}

/** What the RPC says against one option, whichever shape of options it was judged by. */
function issueOf(error, name) {
  const found = (error?.data?.issues ?? []).find((issue) => issue.loc?.includes("options") && issue.loc?.at(-1) === name);
  return found?.msg ?? faultOf(error, `options.${name}`);
}

/** What the form says; options it does not show stay as they were. */
function factsOf(form, sink) {
  const said = (name) => String(form.get(name) ?? "").trim();
  const options = { ...sink.options };
  for (const [name, value] of form.entries()) {
    if (!name.startsWith("options.")) continue;
    const key = name.slice("options.".length);
    options[key] = NUMBERS.includes(key) ? Number(value) : String(value).trim();
  }
  if (options.kind === "postgresql") options.timescale = form.get("options.timescale") === "on";
  const begins = said("begins_at");
  return {
    site_id: sink.site_id, name: said("name"), enabled: form.get("enabled") === "on", pattern: said("pattern") || "*",
    asset_id: sink.asset_id, data_type: said("data_type") || null, options,
    ...(begins && { begins_at: new Date(begins).getTime() * 1000 }),
  };
}
