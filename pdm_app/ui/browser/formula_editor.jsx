/* A formula while it is typed: its outcome over the last hour, its fault at its column, names and functions to put in. */
import { useEffect, useId, useRef, useState } from "react";
import { duration, number, quantity } from "./format.js";
import { usePlaces } from "./directory.js";
import { useQuery } from "./hooks.js";
import { codeOf, link } from "./link.js";
import { t } from "./messages.js";
import { Skeleton } from "./parts.jsx";
import { pixel, windowOf } from "./scale.js";
import { drawnOf, inserted, nameIn, pointedAt } from "./signals.js";
import { linePath } from "./sparkline.jsx";
import { useWidth } from "./width.js";

const TYPED_MS = 400; // After the last key before it is asked.
const SPAN_S = 3600;
const BUCKETS = 240;
const HEIGHT = 96;

/** The value some time after it stopped changing. */
function useSettled(value, ms) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Outcome of a formula over the last hour: {answer, error}; asked anew when formula, machine or unit change. */
function usePreview(formula, assetId, unit, isTruth) {
  const settled = useSettled(formula.trim(), TYPED_MS);
  const [state, setState] = useState({ answer: null, error: null, of: "" });
  useEffect(() => {
    if (!settled || !assetId) return undefined;
    const abort = new AbortController();
    const end_at = link().clock.now();
    const query = { formula: settled, asset_id: assetId, start_at: Math.round(end_at - SPAN_S * 1e6), end_at, buckets: BUCKETS, unit: isTruth ? null : unit };
    link().query("formulas.evaluate", query, { signal: abort.signal }).then(
      (answer) => setState({ answer, error: null, of: settled }),
      (error) => abort.signal.aborted || setState((before) => ({ ...before, error, of: settled })),
    );
    return () => abort.abort();
  }, [settled, assetId, unit, isTruth]);
  return { ...state, isNew: state.of !== formula.trim() };
}

/** `decimals` and `unit` are those of the form; `onChange` gets the text. */
export function FormulaEditor({ assetId, unit, isTruth = false, decimals = 1, value, onChange, error }) {
  const id = useId();
  const box = useRef(null);
  const preview = usePreview(value, assetId, unit, isTruth);
  const fault = preview.isNew ? error : (preview.error ?? error);
  const put = (word) => {
    const { text, caret } = inserted(value, box.current.selectionStart, box.current.selectionEnd, word);
    onChange(text);
    requestAnimationFrame(() => {
      box.current?.focus();
      box.current?.setSelectionRange(caret, caret);
    });
  };
  return (
    <div className="formula">
      <div className="field">
        <label className="field-label" htmlFor={id}>{t("signals.formula")}</label>
        <textarea
          id={id} ref={box} className="input code" rows={3} maxLength={2000} required spellCheck="false" autoCapitalize="none" autoComplete="off"
          value={value} onChange={(event) => onChange(event.target.value)} aria-invalid={Boolean(fault)} aria-describedby={`${id}-f`}
          placeholder="avg(Flow_m3h, 5m) / Motor_RPM"
        />
        <div id={`${id}-f`} aria-live="polite">{value.trim() && <Fault formula={value} fault={fault} />}</div>
      </div>
      <Preview preview={preview} decimals={decimals} />
      <Names assetId={assetId} onPut={put} />
      <Functions onPut={put} />
    </div>
  );
}

function Fault({ formula, fault }) {
  if (!fault) return null;
  if (!codeOf(fault)) return <p className="field-error">{t("error.unreachable")}</p>;
  const column = fault.data?.facts?.column;
  const at = column ? pointedAt(formula, column) : null;
  return (
    <>
      {at && <pre className="formula-fault code" aria-hidden="true">{at.text}{"\n"}{" ".repeat(at.mark)}^</pre>}
      <p className="field-error">{fault.message}</p>
    </>
  );
}

function Preview({ preview, decimals }) {
  const [box, width] = useWidth(0);
  const { answer, error, isNew } = preview;
  return (
    <figure className="formula-preview" ref={box} data-old={Boolean(error) || isNew}>
      {!answer && !error && !isNew && <Skeleton height={HEIGHT} />}
      {!answer && (error || isNew) && <p className="caption">{t("signals.preview_hint")}</p>}
      {answer && answer.at.length === 0 && <p className="caption">{t("signals.preview_empty")}</p>}
      {answer && answer.at.length > 0 && width > 0 && <Drawing answer={answer} width={width} />}
      {answer && (
        <figcaption className="caption">
          {t("signals.preview_cost", { span: duration(SPAN_S), signals: answer.signals.length, read: number(answer.samples_read), took: number(answer.took_ms, 0) })}
          {newest(answer) !== null && <> <span className="strong">{answer.is_truth ? t(newest(answer) ? "value.on" : "value.off") : `${number(newest(answer), decimals)} ${answer.unit}`}</span></>}
        </figcaption>
      )}
    </figure>
  );
}

function newest(answer) {
  return answer.last.findLast((value) => value !== null) ?? null;
}

function Drawing({ answer, width }) {
  const { points, spans, values } = drawnOf(answer);
  if (!values.length) return <p className="caption">{t("signals.preview_bad")}</p>;
  const scale = windowOf({}, [], values);
  const from = answer.at[0];
  const to = Math.max(answer.at[answer.at.length - 1], from + 1);
  const x = (at) => ((at - from) / (to - from)) * width;
  const label = t("signals.preview_label", { low: quantity(Math.min(...values), 2, "1"), high: quantity(Math.max(...values), 2, "1") });
  return (
    <svg width={width} height={HEIGHT} role="img" aria-label={label}>
      {spans.map(([at, low, high]) => (
        <line key={at} className="formula-span" x1={x(at)} x2={x(at)} y1={pixel(low, scale, HEIGHT)} y2={pixel(high, scale, HEIGHT)} />
      ))}
      <path className="sparkline-line" d={linePath(points, from, to, scale, width, HEIGHT)} />
    </svg>
  );
}

/** Signals that can be named: those of the machine at once, those of others by search. */
function Names({ assetId, onPut }) {
  const [text, setText] = useState("");
  const wanted = useSettled(text.trim(), TYPED_MS);
  const own = useQuery("signals.page", assetId ? { asset_id: assetId, limit: 50 } : null);
  const found = useQuery("signals.page", wanted ? { text: wanted, limit: 20 } : null);
  const places = usePlaces();
  const shown = (wanted ? found : own).answer?.items ?? [];
  return (
    <div className="formula-names">
      <input type="search" className="input" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("signals.find_name")} aria-label={t("signals.find_name")} />
      <ul>
        {shown.filter((signal) => signal.data_type !== "text").map((signal) => {
          const name = nameIn(signal, places.get(signal.asset_id)?.asset, assetId);
          return (
            <li key={signal.id}>
              <button type="button" className="chip code" title={signal.label} onClick={() => onPut(name)}>{name}</button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Functions({ onPut }) {
  const { answer } = useQuery("formulas.functions");
  if (!answer) return null;
  return (
    <details className="formula-functions">
      <summary>{t("signals.functions")}</summary>
      <dl>
        {answer.map(({ signature, sentence }) => (
          <div key={signature}>
            <dt><button type="button" className="link code" onClick={() => onPut(signature)}>{signature}</button></dt>
            <dd className="caption">{sentence}</dd>
          </div>
        ))}
      </dl>
      <p className="caption">{t("signals.language")}</p>
    </details>
  );
}
