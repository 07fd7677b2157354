/* What the firmware page reads out of what people type: hardware line by line, and the facts of a release. */

/** "GW-100 A B" a line becomes a model with its revisions; a line without any means all of them. */
export function hardwareOf(text) {
  return text
    .split("\n")
    .map((line) => line.split(/[\s,;:]+/).filter(Boolean))
    .filter((words) => words.length > 0)
    .map(([model, ...revisions]) => ({ model, revisions }));
}

export const hardwareText = (hardware) => hardware.map((each) => [each.model, ...each.revisions].join(" ")).join("\n");

/** "GW-100 (A, B), GW-200": as a line of a table says it. */
export const hardwareLine = (hardware) =>
  hardware.map((each) => (each.revisions.length ? `${each.model} (${each.revisions.join(", ")})` : each.model)).join(", ");

/** What the RPC is asked for, of what stands in the form. */
export function factsOf(form) {
  return {
    name: form.name.trim(),
    version: form.version.trim(),
    security_version: Number(form.security_version),
    hardware: hardwareOf(form.hardware),
    min_from_version: form.min_from_version.trim() || null,
    rollback_safe: form.rollback_safe,
    notes: form.notes.trim(),
  };
}

/** The form of a new release, or of a draft. */
export function formOf(facts = {}) {
  return {
    name: facts.name ?? "",
    version: facts.version ?? "",
    security_version: String(facts.security_version ?? 0),
    hardware: hardwareText(facts.hardware ?? []),
    min_from_version: facts.min_from_version ?? "",
    rollback_safe: facts.rollback_safe ?? false,
    notes: facts.notes ?? "",
  };
}

/** The first fault the RPC names below one field, such as `facts.hardware.0.model`. */
export function faultBelow(error, field) {
  const found = (error?.data?.issues ?? []).find((issue) => issue.loc?.includes(field));
  return found?.msg ?? "";
}

/** Hand a text to the browser as a file, byte for byte: a signature holds for no other spelling. */
export function saveText(name, text) {
  const address = URL.createObjectURL(new Blob([new TextEncoder().encode(text)], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
