/* What a form says of a thing of the plant, and which of it differs from what was read. */

/** Fields of `said` whose values differ from those of `before`; an empty result means that there is nothing to send. */
export function changesOf(before, said) {
  return Object.fromEntries(Object.entries(said).filter(([field, value]) => !same(before[field], value)));
}

function same(left, right) {
  if (left === null || right === null || typeof left !== "object" || typeof right !== "object") return left === right;
  const fields = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...fields].every((field) => same(left[field], right[field]));
}

/** A number as somebody types it; null where nothing is typed. A comma is a decimal point. */
export function typedNumber(text) {
  const plain = String(text ?? "").trim().replace(",", ".");
  return plain === "" ? null : Number(plain);
}

/** Every kind of alarm condition, as `pdm_app.domain.conditions` has them. */
export const CONDITION_KINDS = [
  "high", "low", "high_high", "low_low", "deviation", "rate_of_change", "discrete", "mismatch", "calculated", "score", "bad_quality", "communication_lost", "stale", "stuck", "counter_stopped",
];

/** What the form says of the condition; what is left empty takes the default of the server. */
export function conditionOf(form) {
  const kind = String(form.get("kind") ?? "").trim();
  const typed = (name) => typedNumber(form.get(name));
  const filled = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
  switch (kind) {
    case "deviation":
      return { kind, ...filled({ limit: typed("limit"), deadband: typed("deadband"), setpoint: typed("setpoint"), setpoint_signal: typed("setpoint_signal") }) };
    case "rate_of_change":
      return { kind, ...filled({ limit_per_s: typed("limit_per_s"), window_s: typed("window_s") }), direction: String(form.get("direction") || "either") };
    case "discrete":
      return { kind, abnormal: String(form.get("abnormal") ?? "").split(/[;,\s]+/).filter(Boolean).map(Number) };
    case "mismatch":
      return { kind, ...filled({ expected_signal: typed("expected_signal") }) };
    case "bad_quality":
      return { kind, uncertain_too: form.get("uncertain_too") !== null };
    case "stale":
      return { kind, ...filled({ after_s: typed("after_s") }) };
    case "stuck":
      return { kind, ...filled({ after_s: typed("after_s"), tolerance: typed("tolerance") }) };
    case "counter_stopped":
      return { kind, ...filled({ after_s: typed("after_s"), step: typed("step") }) };
    case "calculated":
    case "communication_lost":
      return { kind };
    default:
      return { kind, limit: typed("limit"), deadband: typed("deadband") ?? 0 };
  }
}

/** What the form of an alarm rule says; its further attributes only where the form has them. */
export function ruleOf(form) {
  const words = (name) => String(form.get(name) ?? "").trim();
  const rule = {
    name: words("name"),
    condition: conditionOf(form),
    priority: Number(words("priority")),
    on_delay_s: typedNumber(form.get("on_delay_s")) ?? 0,
    off_delay_s: typedNumber(form.get("off_delay_s")) ?? 0,
    comment_required: form.get("comment_required") !== null,
    cause: words("cause"),
    consequence: words("consequence"),
    action: words("action"),
  };
  if (!form.get("whole")) return rule;
  return {
    ...rule,
    latching: form.get("latching") !== null,
    ack_required: form.get("ack_required") !== null,
    shelvable: form.get("shelvable") !== null,
    shelve_s_max: Math.round((typedNumber(form.get("shelve_h_max")) ?? 8) * 3600),
    group: words("group"),
    first_out: form.get("first_out") !== null,
    alarm_class: words("alarm_class"),
    owner_role: words("owner_role"),
    consequence_level: words("consequence_level") || null,
    respond_within: words("respond_within") || null,
  };
}

/** The suppressions of a rule that is silent by shift as the form says it: "off_shift", "in_shift", or "" for never; others stay. */
export function suppressionsOf(before, silent) {
  const kept = before.filter((each) => !each.silent);
  const same = before.find((each) => each.silent === silent);
  return silent ? [...kept, same ?? { silent, why: "" }] : kept;
}

/** What the form of a machine says. */
export function assetOf(form) {
  const words = (name) => String(form.get(name) ?? "").trim();
  return { code: words("code"), name: words("name"), asset_class: words("asset_class") };
}
