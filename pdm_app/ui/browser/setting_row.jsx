/* One setting: its key, what it does, an editor of its kind, where its value comes from, and the way back. */
import { useId } from "react";
import { exact, unitSymbol } from "./format.js";
import { t } from "./messages.js";
import { isOpen, RESET, shownOf } from "./settings_edit.js";

export function SettingRow({ view, draft, fault, mayWrite, onDraft }) {
  const id = useId();
  const { spec } = view;
  const open = isOpen(view) && mayWrite;
  const isDrafted = draft !== undefined;
  const value = draft === RESET ? spec.default : (draft ?? view.stored ?? view.value);
  const name = spec.key.split(".").at(-1);
  return (
    <div className="setting" data-drafted={isDrafted} data-source={view.source}>
      <div className="setting-words">
        <label className="code setting-key" htmlFor={id} title={spec.key}>{name}</label>
        <p className="muted">{spec.description}</p>
        <p className="caption">{notes(view).join(" · ")}</p>
        {view.problem && <p className="field-error">{t("general.unused", { problem: view.problem })}</p>}
      </div>
      <div className="setting-value">
        {open ? <Editor id={id} spec={spec} value={value} fault={fault} onDraft={onDraft} /> : <output id={id} className="code">{still(view)}</output>}
        {fault && <span id={`${id}-e`} className="field-error">{faultText(fault, spec)}</span>}
        <span className="setting-marks">
          <span className="chip" data-source={view.source}>{t("general.source", { source: view.source })}</span>
          {view.needs_restart && <span className="chip">{t("general.restart")}</span>}
          {isDrafted && <button type="button" className="button button-small button-plain" onClick={() => onDraft(undefined)}>{t("action.undo")}</button>}
          {open && !isDrafted && view.stored !== null && (
            <button type="button" className="button button-small button-plain" onClick={() => onDraft(RESET)}>{t("general.reset")}</button>
          )}
        </span>
      </div>
    </div>
  );
}

function Editor({ id, spec, value, fault, onDraft }) {
  const shared = { id, "aria-invalid": Boolean(fault), "aria-describedby": fault ? `${id}-e` : undefined };
  if (spec.kind === "flag") {
    return (
      <span className="check-line">
        <input type="checkbox" className="checkbox" checked={value === true} onChange={(event) => onDraft(event.target.checked)} {...shared} />
        <span>{t("general.flag", { value: String(value === true) })}</span>
      </span>
    );
  }
  if (spec.kind === "choice") {
    return (
      <select className="input" value={value} onChange={(event) => onDraft(event.target.value)} {...shared}>
        {spec.choices.map((choice) => <option key={choice} value={choice}>{choice}</option>)}
      </select>
    );
  }
  if (spec.kind === "choices") return <Choices id={id} spec={spec} value={value ?? []} onDraft={onDraft} />;
  const isNumber = spec.kind === "integer" || spec.kind === "number";
  return (
    <span className="setting-input">
      <input type="text" className="input" inputMode={isNumber ? "decimal" : "text"} autoComplete="off" spellCheck="false" maxLength={255}
        value={typeof value === "string" ? value : shownOf(spec, value)} onChange={(event) => onDraft(event.target.value)} {...shared} />
      {isNumber && spec.unit && <span className="unit">{unitSymbol(spec.unit)}</span>}
    </span>
  );
}

function Choices({ id, spec, value, onDraft }) {
  const toggle = (choice) => onDraft(spec.choices.filter((one) => (one === choice ? !value.includes(one) : value.includes(one))));
  return (
    <fieldset className="choice-list setting-choices" id={id} aria-label={spec.key}>
      {spec.choices.map((choice) => (
        <label key={choice} className="check-line">
          <input type="checkbox" className="checkbox" checked={value.includes(choice)} onChange={() => toggle(choice)} />
          <span>{choice}</span>
        </label>
      ))}
    </fieldset>
  );
}

function still({ spec, value }) {
  if (spec.kind === "secret") return t("general.hidden");
  if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) return t("general.empty");
  if (spec.kind === "flag") return t("general.flag", { value: String(value) });
  return typeof value === "number" && spec.unit ? `${exact(value)}\u00a0${unitSymbol(spec.unit)}` : shownOf(spec, value);
}

function notes(view) {
  const { spec } = view;
  const isNumber = spec.kind === "integer" || spec.kind === "number";
  const range = isNumber ? rangeOf(spec) : "";
  const usual = spec.default === null || spec.effect === "outside" ? "" : t("general.default", { value: shownOf(spec, spec.default) || t("general.empty") });
  const by = view.source === "fixed" ? t("general.fixed_by", { who: view.fixed_by }) : spec.effect === "outside" ? t("general.outside") : "";
  const waits = view.source === "fixed" && view.stored !== null ? t("general.stored_waits", { value: shownOf(spec, view.stored) }) : "";
  const effect = spec.effect === "restart" ? t("general.at_restart") : "";
  return [range, usual, by, waits, effect].filter(Boolean);
}

function rangeOf({ minimum, maximum, is_above_minimum }) {
  if (minimum === null && maximum === null) return "";
  const low = minimum === null ? "" : exact(minimum);
  const high = maximum === null ? "" : exact(maximum);
  if (!high) return t("general.from", { low });
  return is_above_minimum ? t("general.above", { low, high }) : t("general.between", { low, high });
}

/* What is plainly wrong is one of our words, what the server says is a sentence already. */
function faultText(fault, spec) {
  if (["number", "whole"].includes(fault)) return t("general.fault", { fault });
  return ["below", "above"].includes(fault) ? t("general.fault_range", { range: rangeOf(spec) }) : fault;
}
