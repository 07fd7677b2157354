/* The kinds of alarm conditions: what each asks for in a form, and how it is said in a few words. */
import { useState } from "react";
import { Check, faultOf, Field } from "./form_parts.jsx";
import { quantity } from "./format.js";
import { t } from "./messages.js";
import { CONDITION_KINDS } from "./plant_edit.js";
import { nativeUnit } from "./units_shown.js";

const OF_THE_VALUE = new Set(["high", "low", "high_high", "low_low", "deviation", "rate_of_change"]);
const LIMITS = new Set(["high", "low", "high_high", "low_low", "score"]);

/** A condition in a few words: above 80 °C, over 2 mm/s per second, silent for 60 s; `signal` is null until known. */
export function conditionWords(condition, signal) {
  const { kind } = condition;
  const amount = condition.limit ?? condition.limit_per_s ?? condition.after_s ?? null;
  const unit = signal && OF_THE_VALUE.has(kind) ? nativeUnit(signal) : ""; // As rules are edited: never turned.
  const limit = condition.abnormal?.join(", ") ?? (amount === null ? "" : quantity(amount, decimalsOf(amount), unit));
  return t("asset.limit_of", { kind, limit });
}

function decimalsOf(value) {
  return Math.min(6, (String(value).split(".")[1] ?? "").length);
}

/** The fields of a condition; which ones follows from its kind. `signals` are those it may be compared with. */
export function ConditionFields({ first, signals, error }) {
  const [kind, setKind] = useState(first.kind);
  const given = first.kind === kind ? first : {};
  const fault = faultOf(error, "condition");
  const typed = (name, label, extra = {}) => (
    <Field key={`${kind} ${name}`} label={t(label)} name={name} inputMode="decimal" defaultValue={given[name] ?? ""} {...extra} />
  );
  const chosen = (name, label, options, none) => (
    <Field key={`${kind} ${name}`} label={t(label)} as="select" name={name} defaultValue={given[name] ?? ""}>
      {none && <option value="">{t(none)}</option>}
      {options}
    </Field>
  );
  const others = signals.map((signal) => <option key={signal.id} value={signal.id}>{signal.label}</option>);
  return (
    <>
      <Field label={t("rules.kind")} as="select" name="kind" value={kind} onChange={(event) => setKind(event.target.value)}>
        {CONDITION_KINDS.map((each) => <option key={each} value={each}>{t("rules.kinds", { kind: each })}</option>)}
      </Field>
      {(LIMITS.has(kind) || kind === "deviation") && typed("limit", kind === "deviation" ? "rules.distance" : "asset.limit", { required: true, error: fault })}
      {(LIMITS.has(kind) || kind === "deviation") && typed("deadband", "rules.deadband", { hint: t("rules.deadband_hint") })}
      {kind === "deviation" && typed("setpoint", "rules.setpoint")}
      {kind === "deviation" && chosen("setpoint_signal", "rules.setpoint_signal", others, "rules.no_signal")}
      {kind === "rate_of_change" && typed("limit_per_s", "rules.limit_per_s", { required: true, error: fault })}
      {kind === "rate_of_change" && typed("window_s", "rules.window_s")}
      {kind === "rate_of_change" && chosen("direction", "rules.direction", ["either", "rising", "falling"].map((way) => <option key={way} value={way}>{t("rules.directions", { way })}</option>))}
      {kind === "discrete" && typed("abnormal", "rules.abnormal", { required: true, inputMode: "text", hint: t("rules.abnormal_hint"), defaultValue: (given.abnormal ?? []).join(", "), error: fault })}
      {kind === "mismatch" && chosen("expected_signal", "rules.expected_signal", others)}
      {kind === "bad_quality" && <Check label={t("rules.uncertain_too")} name="uncertain_too" defaultChecked={given.uncertain_too ?? false} />}
      {["stale", "stuck", "counter_stopped"].includes(kind) && typed("after_s", "rules.after_s", { required: true, error: fault })}
      {kind === "stuck" && typed("tolerance", "rules.tolerance")}
      {kind === "counter_stopped" && typed("step", "rules.step")}
      {!(LIMITS.has(kind) || ["deviation", "rate_of_change", "discrete", "stale", "stuck", "counter_stopped"].includes(kind)) && fault && <p className="act-error" role="alert">{fault}</p>}
    </>
  );
}
