/* History as a file: what of it, as what and how large it will be; and the files that were made before. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Check, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { duration, number, size } from "./format.js";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Moment } from "./parts.jsx";

const FORMATS = ["csv", "xlsx", "json", "jsonl", "parquet"];
const STEPS_S = [10, 60, 600, 3_600, 86_400];
const FIGURES = ["average", "low", "high", "first", "last", "total", "mean", "count"];
const STYLES = [{ decimal: ".", separator: "," }, { decimal: ",", separator: ";" }, { decimal: ".", separator: "\t" }];
const LOOK_EVERY_MS = 1_000;

/** Whether somebody may take history away. */
export const mayExport = (me) => Boolean(me?.permissions.includes("history.export"));

/** Asks for a file of some signals, each {id, name}, over a span in microseconds UTC. */
export function ExportSheet({ signals, from, to, onClose }) {
  const plant = useZone();
  const [choice, setChoice] = useState({ step_s: 0, figures: ["average"], format: "csv", style: 0, zone: plant, us_units: false });
  const choose = (changes) => setChoice((before) => ({ ...before, ...changes }));
  const order = orderOf(choice, signals, from, to);
  const { answer: estimate, error: refused } = useQuery("exports.estimate", order);
  const made = useQuery("exports.list");
  const { run, busy, error } = useAct();
  const ask = (event) => {
    event.preventDefault();
    run(async () => {
      const done = await link().mutate("exports.create", order);
      if (done.state === "done") fetchFile(done);
      made.again();
    });
  };
  return (
    <Sheet title={t("exports.title")} onClose={onClose}>
      <form className="entrance-form" onSubmit={ask}>
        <p>{t("exports.of", { count: signals.length, first: signals[0]?.name ?? "" })}{" "}<span className="caption"><Moment at={from} /> – <Moment at={to} /></span></p>
        <What {...{ choice, choose }} />
        <How {...{ choice, choose, plant }} />
        <Check label={t("exports.us_units")} checked={choice.us_units} onChange={(event) => choose({ us_units: event.target.checked })} />
        {estimate && <p className="caption" role="status">{estimate.refused || t("exports.estimate", { rows: number(estimate.rows), size: size(estimate.bytes), large: String(estimate.is_large) })}</p>}
        <Refusal message={messageOf(error ?? refused)} />
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={busy || Boolean(refused) || Boolean(estimate?.refused)}>{t("exports.make")}</button>
          <button type="button" className="button" onClick={onClose}>{t("action.close")}</button>
        </div>
      </form>
      <Made {...made} />
    </Sheet>
  );
}

/** What the RPC is asked for. */
export function orderOf({ step_s, figures, format, style, zone, us_units }, signals, from, to) {
  const shape = step_s ? { every_us: step_s * 1e6, figures } : {};
  return { signals: signals.map((signal) => signal.id), start_at: Math.floor(from), end_at: Math.ceil(to), ...shape, us_units, ...written({ format, style, zone }) };
}

/** The part of an order that says how a file is written. */
export const written = ({ format, style, zone }) => ({ format, zone, ...(format === "csv" ? STYLES[style] : {}) });

function What({ choice, choose }) {
  const turn = (figure) => () => {
    const figures = FIGURES.filter((each) => (each === figure) !== choice.figures.includes(each));
    if (figures.length) choose({ figures });
  };
  return (
    <>
      <label className="field">
        <span className="field-label">{t("exports.what")}</span>
        <select className="input" value={choice.step_s} onChange={(event) => choose({ step_s: Number(event.target.value) })}>
          <option value={0}>{t("exports.samples")}</option>
          {STEPS_S.map((seconds) => <option key={seconds} value={seconds}>{t("exports.figures_every", { step: duration(seconds) })}</option>)}
        </select>
      </label>
      {choice.step_s > 0 && (
        <fieldset className="workspace-overlay">
          <legend>{t("exports.figures")}</legend>
          {FIGURES.map((figure) => <Check key={figure} label={t("exports.figure", { figure })} checked={choice.figures.includes(figure)} onChange={turn(figure)} />)}
        </fieldset>
      )}
    </>
  );
}

/** As what a file is written, whatever is in it: `choice` has {format, style, zone}. */
export function How({ choice, choose, plant }) {
  const zones = [...new Set([plant, "UTC", Intl.DateTimeFormat().resolvedOptions().timeZone])];
  return (
    <>
      <label className="field">
        <span className="field-label">{t("exports.format")}</span>
        <select className="input" value={choice.format} onChange={(event) => choose({ format: event.target.value })}>
          {FORMATS.map((format) => <option key={format} value={format}>{t("exports.as", { format })}</option>)}
        </select>
      </label>
      {choice.format === "csv" && (
        <label className="field">
          <span className="field-label">{t("exports.style")}</span>
          <select className="input" value={choice.style} onChange={(event) => choose({ style: Number(event.target.value) })}>
            {STYLES.map((_, style) => <option key={style} value={style}>{t("exports.style_of", { style })}</option>)}
          </select>
        </label>
      )}
      <label className="field">
        <span className="field-label">{t("exports.zone")}</span>
        <select className="input" value={choice.zone} onChange={(event) => choose({ zone: event.target.value })}>
          {zones.map((zone) => <option key={zone} value={zone}>{zone}</option>)}
        </select>
      </label>
    </>
  );
}

/** The files that were made and that are being made; nothing where there are none. */
export function Made({ answer, again }) {
  const busy = (answer ?? []).some((made) => made.ended_at === null);
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setInterval(again, LOOK_EVERY_MS);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `again` is another function each time
  }, [busy]);
  if (!answer?.length) return null;
  return (
    <section>
      <h3>{t("exports.made")}</h3>
      <ul className="recalculations">{answer.map((made) => <One key={made.id} made={made} onChanged={again} />)}</ul>
    </section>
  );
}

function One({ made, onChanged }) {
  const { run, busy, error } = useAct();
  const drop = () => run(async () => {
    await link().mutate("exports.delete", { export_id: made.id });
    onChanged();
  });
  const share = made.rows_expected ? Math.min(100, Math.round((100 * made.rows) / made.rows_expected)) : 0;
  return (
    <li data-state={made.state}>
      <div>
        {made.state === "done" ? <a className="link strong" href={addressOf(made)} download={made.file_name}>{made.file_name}</a> : <span className="strong">{made.file_name}</span>}{" "}
        <span className="caption">{made.title}, <Moment at={made.asked_at} /></span>
        {made.problem && <p className="field-error">{made.problem}</p>}
        <ActError error={error} />
      </div>
      {made.ended_at === null && <progress max={100} value={share} aria-label={t("exports.progress", { name: made.file_name })}>{share}</progress>}
      <span className="caption">{t("exports.state", { state: made.state, share, rows: number(made.rows), size: size(made.bytes) })}</span>
      <button type="button" className="button button-small" disabled={busy} onClick={drop}>{t(made.ended_at === null ? "action.cancel" : "exports.remove")}</button>
    </li>
  );
}

const addressOf = (made) => `/api/files/${made.id}`;

/** Have the browser take a file that is done. */
export function fetchFile(made) {
  Object.assign(document.createElement("a"), { href: addressOf(made), download: made.file_name }).click();
}
