/* A file that was handed in: its first rows, how it is read, and which column goes to which signal in which unit. */
import { useEffect, useId, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { number, size } from "./format.js";
import { Field } from "./form_parts.jsx";
import { useQuery, useZone } from "./hooks.js";
import { changedForm, choicesOf, planOf, twiceIn } from "./imports.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Moment, Skeleton } from "./parts.jsx";
import UNITS from "./units.json";

const SEPARATORS = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar" };
const TIME_FORMATS = ["iso", "dmy", "mdy", "epoch_s", "epoch_ms", "epoch_us"];
const ROWS_SHOWN = 8;

export function ImportPlanForm({ upload, onAsked, onClose }) {
  const plant = useZone();
  const [form, setForm] = useState({ zone: plant });
  const [choices, setChoices] = useState(null);
  const look = useQuery("imports.preview", { upload_id: upload.id, ...form });
  const signals = useQuery("signals.list");
  const assets = useQuery("assets.list");
  const { run, busy, error } = useAct();
  const preview = look.answer;
  const columns = preview?.proposals.map((one) => one.column).join("\n");
  useEffect(() => {
    if (preview) setChoices((before) => ({ ...choicesOf(preview), ...kept(before, preview) }));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only other columns ask for other choices
  }, [columns]);
  const plan = preview && choices && !preview.problem ? planOf(upload.id, preview.form, choices) : null;
  const ask = (event) => {
    event.preventDefault();
    run(async () => {
      await link().mutate("imports.create", plan);
      onAsked();
    });
  };
  const drop = () => run(async () => {
    await link().mutate("uploads.delete", { upload_id: upload.id });
    onClose();
  });
  const change = (changes) => setForm(changedForm(preview.form, changes));
  return (
    <section className="card">
      <header className="card-head">
        <h2>{upload.name}</h2>
        <span className="caption">{t("imports.file", { format: upload.format, size: size(upload.bytes) })}</span>
      </header>
      <form className="imports-plan" onSubmit={ask}>
        {look.error && <ErrorNote what={t("imports.preview_failed")} error={look.error} again={look.again} compact />}
        {!preview && !look.error && <Skeleton height={160} />}
        {preview && <Rows preview={preview} />}
        {preview && <How form={preview.form} preview={preview} change={change} plant={plant} />}
        {preview?.problem && <p className="note note-error" data-compact="true" role="alert">{preview.problem}</p>}
        {preview && !preview.problem && <p className="caption" role="status">{t("imports.first_at")}{" "}<Moment at={preview.first_at} /></p>}
        {preview && choices && signals.answer && <Mapping preview={preview} choices={choices} setChoices={setChoices} signals={signals.answer} assets={assets.answer ?? []} />}
        {choices && twiceIn(choices) !== null && <p className="field-error" role="alert">{t("imports.twice")}</p>}
        <ActError error={error} />
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={!plan || busy || look.loading}>{t("imports.check")}</button>
          <button type="button" className="button" disabled={busy} onClick={drop}>{t("imports.drop_file")}</button>
        </div>
      </form>
    </section>
  );
}

/* What somebody has chosen already of columns that are still there. */
const kept = (before, preview) => Object.fromEntries(preview.proposals.filter((one) => before?.[one.column]).map((one) => [one.column, before[one.column]]));

function Rows({ preview }) {
  const shown = preview.names.slice(0, preview.rows[0]?.length ?? 0);
  return (
    <div className="imports-rows" tabIndex={0} role="region" aria-label={t("imports.first_rows")}>
      <table className="table">
        <caption className="caption">{t("imports.rows_about", { rows: number(preview.rows_about) })}</caption>
        <thead><tr>{shown.map((name, place) => <th key={place}>{name}</th>)}</tr></thead>
        <tbody>{preview.rows.slice(0, ROWS_SHOWN).map((cells, row) => <tr key={row}>{cells.map((cell, place) => <td key={place} className="code">{cell}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

function How({ form, preview, change, plant }) {
  const zones = [...new Set([form.zone, plant, "UTC", Intl.DateTimeFormat().resolvedOptions().timeZone])];
  const column = (key, optional) => (
    <Field label={t("imports.column_of", { key })} as="select" value={form[key]} onChange={(event) => change({ [key]: event.target.value })}>
      {optional && <option value="">{t("imports.none")}</option>}
      {preview.names.map((name, place) => <option key={place} value={name}>{name}</option>)}
    </Field>
  );
  return (
    <fieldset className="imports-how">
      <legend>{t("imports.how")}</legend>
      {preview.sheets.length > 1 && <Field label={t("imports.sheet")} as="select" value={form.sheet || preview.sheets[0]} onChange={(event) => change({ sheet: event.target.value, shape: null, time_column: "" })}>{preview.sheets.map((name) => <option key={name}>{name}</option>)}</Field>}
      {preview.format === "csv" && <Field label={t("imports.separator")} as="select" value={form.separator} onChange={(event) => change({ separator: event.target.value, shape: null, time_column: "" })}>{Object.entries(SEPARATORS).map(([sign, mark]) => <option key={mark} value={sign}>{t("imports.separator_of", { mark })}</option>)}</Field>}
      <Field label={t("imports.shape")} as="select" value={form.shape ?? "wide"} onChange={(event) => change({ shape: event.target.value })}>{["wide", "long"].map((shape) => <option key={shape} value={shape}>{t("imports.shape_of", { shape })}</option>)}</Field>
      {column("time_column")}
      <Field label={t("imports.time_format")} as="select" value={form.time_format} onChange={(event) => change({ time_format: event.target.value })}>{TIME_FORMATS.map((format) => <option key={format} value={format}>{t("imports.time_format_of", { format })}</option>)}</Field>
      <Field label={t("imports.zone")} as="select" value={form.zone} onChange={(event) => change({ zone: event.target.value })}>{zones.map((zone) => <option key={zone}>{zone}</option>)}</Field>
      {preview.format === "csv" && <Field label={t("imports.decimal")} as="select" value={form.decimal} onChange={(event) => change({ decimal: event.target.value })}>{[[".", "point"], [",", "comma"]].map(([sign, mark]) => <option key={mark} value={sign}>{t("imports.decimal_of", { mark })}</option>)}</Field>}
      {form.shape === "long" && column("name_column")}
      {form.shape === "long" && column("value_column")}
      {column("quality_column", true)}
    </fieldset>
  );
}

function Mapping({ preview, choices, setChoices, signals, assets }) {
  const codes = Object.fromEntries(assets.map((asset) => [asset.id, asset.code]));
  const known = signals.filter((signal) => signal.formula === null).map((signal) => ({ ...signal, full: `${codes[signal.asset_id] ?? ""} ${signal.name}`.trim() }));
  known.sort((one, other) => one.full.localeCompare(other.full));
  const choose = (name, changes) => setChoices((before) => ({ ...before, [name]: { ...before[name], ...changes } }));
  return (
    <table className="table people-table">
      <caption className="caption">{t("imports.mapping")}</caption>
      <thead><tr><th>{t("imports.column")}</th><th>{t("imports.example")}</th><th>{t("imports.signal")}</th><th>{t("imports.unit")}</th></tr></thead>
      <tbody>
        {preview.proposals.map((one) => (
          <tr key={one.column}>
            <td className="strong wraps">{one.column}</td>
            <td className="code" data-label={t("imports.example")}>{one.example || "–"}</td>
            <td data-label={t("imports.signal")}><SignalChoice column={one.column} chosen={choices[one.column]?.signal_id ?? null} known={known} onChoose={(signal_id) => choose(one.column, { signal_id })} /></td>
            <td data-label={t("imports.unit")}><UnitChoice column={one.column} signal={known.find((signal) => signal.id === choices[one.column]?.signal_id)} unit={choices[one.column]?.unit} onChoose={(unit) => choose(one.column, { unit })} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/* Thousands of signals are found by typing. What is typed counts once it is the name of one; nothing leaves the column out. */
function SignalChoice({ column, chosen, known, onChoose }) {
  const id = useId();
  const name = known.find((signal) => signal.id === chosen)?.full ?? "";
  const [typed, setTyped] = useState(name);
  useEffect(() => setTyped(name), [name]);
  const wrong = typed.trim() !== "" && typed !== name;
  const type = (words) => {
    setTyped(words);
    const found = known.find((signal) => signal.full.toLowerCase() === words.trim().toLowerCase());
    if (found || words.trim() === "") onChoose(found?.id ?? null);
  };
  const near = known.filter((signal) => signal.full.toLowerCase().includes(typed.trim().toLowerCase())).slice(0, 50);
  return (
    <>
      <input className="input" list={id} value={typed} placeholder={t("imports.left_out")} aria-label={t("imports.signal_for", { column })} aria-invalid={wrong} onChange={(event) => type(event.target.value)} />
      <datalist id={id}>{near.map((signal) => <option key={signal.id} value={signal.full}>{signal.label}</option>)}</datalist>
    </>
  );
}

function UnitChoice({ column, signal, unit, onChoose }) {
  if (!signal) return "–";
  const own = UNITS[signal.unit]?.symbol || signal.unit;
  if (signal.data_type !== "number") return own === "1" ? "" : own;
  return (
    <select className="input" value={unit ?? ""} aria-label={t("imports.unit_for", { column })} onChange={(event) => onChoose(event.target.value || null)}>
      <option value="">{t("imports.own_unit", { unit: own === "1" ? "" : own })}</option>
      {Object.entries(UNITS).filter(([code]) => code !== signal.unit).map(([code, { symbol, name }]) => <option key={code} value={code}>{`${symbol} ${name}`.trim()}</option>)}
    </select>
  );
}
