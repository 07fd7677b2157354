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

/** What the form of an alarm rule says. */
export function ruleOf(form) {
  const words = (name) => String(form.get(name) ?? "").trim();
  return {
    name: words("name"),
    condition: { kind: words("kind"), limit: typedNumber(form.get("limit")), deadband: typedNumber(form.get("deadband")) ?? 0 },
    priority: Number(words("priority")),
    on_delay_s: typedNumber(form.get("on_delay_s")) ?? 0,
    off_delay_s: typedNumber(form.get("off_delay_s")) ?? 0,
    comment_required: form.get("comment_required") !== null,
    cause: words("cause"),
    consequence: words("consequence"),
    action: words("action"),
  };
}

/** What the form of a machine says. */
export function assetOf(form) {
  const words = (name) => String(form.get(name) ?? "").trim();
  return { code: words("code"), name: words("name"), asset_class: words("asset_class") };
}
