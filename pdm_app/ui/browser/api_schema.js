/* Reading JSON schemas of the procedures: what a field takes, in words, and what a form begins with. No screen here. */
import { t } from "./messages.js";

const REF = "#/$defs/";
const ENTRIES_BEGUN_MAX = 10; // Of a list that must have some; more are added by hand.
const TECHNICAL_MIN = 2 ** 32 - 1; // A limit from here on is one of storage, and none to a person.
const SECRET = /password|passphrase|secret/i;
const HIDDEN = "•••";
const DEPTH_MAX = 6; // Of records within each other that a form shows; what lies deeper is written as JSON.

/** The schema that a reference names, with the description of the place it was referred from. */
export function resolved(schema, defs) {
  let found = schema ?? {};
  for (let hops = 0; found.$ref && hops < 20; hops += 1) {
    const { $ref, ...beside } = found;
    found = { ...(defs[$ref.slice(REF.length)] ?? {}), ...beside };
  }
  return found;
}

/**
 * What a field takes: {kind, nullable, schema, …}. `kind` is "choice", "yes_no", "integer", "number", "text", "list",
 * "record", "variants" or "json", the last for everything a form has no better field for.
 */
export function kindOf(schema, defs, depth = 0) {
  const found = resolved(schema, defs);
  if (depth > DEPTH_MAX) return { kind: "json", nullable: false, schema: found };
  const choices = found.anyOf ?? found.oneOf;
  if (choices) {
    const some = choices.filter((choice) => resolved(choice, defs).type !== "null");
    const nullable = some.length < choices.length;
    if (some.length === 1) return { ...kindOf({ ...without(found, ["anyOf", "oneOf"]), ...resolved(some[0], defs) }, defs, depth), nullable };
    const tag = found.discriminator?.propertyName;
    if (tag) return { kind: "variants", nullable, schema: found, tag, variants: some.map((one) => resolved(one, defs)) };
    return { kind: "json", nullable, schema: found };
  }
  if ("const" in found) return { kind: "choice", nullable: false, schema: found, values: [found.const] };
  if (found.enum) return { kind: "choice", nullable: false, schema: found, values: found.enum };
  if (found.type === "boolean") return { kind: "yes_no", nullable: false, schema: found };
  if (found.type === "integer" || found.type === "number") return { kind: found.type, nullable: false, schema: found };
  if (found.type === "string") return { kind: "text", nullable: false, schema: found };
  if (found.type === "array" && !found.prefixItems) return { kind: "list", nullable: false, schema: found };
  if (found.type === "object" && found.properties) return { kind: "record", nullable: false, schema: found };
  return { kind: "json", nullable: false, schema: found };
}

/** The fields of a record: [{name, schema, required}], those that must be sent first. */
export function fieldsOf(schema, defs) {
  const found = resolved(schema, defs);
  const required = new Set(found.required ?? []);
  const fields = Object.entries(found.properties ?? {}).map(([name, held]) => ({ name, schema: held, required: required.has(name) }));
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)];
}

/** What a field is, in words: "text, 1 to 36 characters". */
export function wordsOf(schema, defs) {
  const { kind, nullable, schema: found } = kindOf(schema, defs);
  const words = [t(`api.kind.${kind}`)];
  if (kind === "text") {
    if (found.format) words[0] = found.format;
    words.push(range(found.minLength, found.maxLength, "characters"));
  }
  if (kind === "integer" || kind === "number") {
    words.push(range(found.minimum ?? above(found.exclusiveMinimum), found.maximum ?? below(found.exclusiveMaximum), "value"));
  }
  if (kind === "list") words.push(range(found.minItems, found.maxItems, "entries"));
  if (nullable) words.push(t("api.or_nothing"));
  const said = words.filter(Boolean).join(", ");
  return kind === "list" ? t("api.each", { list: said, each: wordsOf(found.items, defs) }) : said;
}

const above = (limit) => (limit === undefined ? undefined : `>${limit}`);
const below = (limit) => (limit === undefined ? undefined : `<${limit}`);

function range(low, high, what) {
  if (high >= TECHNICAL_MIN) return range(low, undefined, what);
  if ((low === undefined || low === 0) && high === undefined) return "";
  if (high === undefined) return t("api.range.from", { low, what });
  if (low === undefined || low === 0) return t("api.range.to", { high, what });
  return t("api.range.both", { low, high, what });
}

/** What a form begins with: nothing but what must be sent, and of that what is clear already. */
export function beginning(schema, defs, depth = 0) {
  const { kind, schema: found, values, variants, tag } = kindOf(schema, defs, depth);
  if ("default" in found) return found.default;
  if (kind === "choice" && values.length === 1) return values[0];
  if (kind === "list") return Array.from({ length: Math.min(found.minItems ?? 0, ENTRIES_BEGUN_MAX) }, () => beginning(found.items, defs, depth + 1) ?? null);
  if (kind === "record") return record(found, defs, depth);
  if (kind === "variants") return { ...record(variants[0], defs, depth), [tag]: tagOf(variants[0], tag, defs) };
  return undefined;
}

function record(found, defs, depth) {
  const begun = fieldsOf(found, defs)
    .filter((field) => field.required)
    .map((field) => [field.name, beginning(field.schema, defs, depth + 1)]);
  return Object.fromEntries(begun.filter(([, value]) => value !== undefined));
}

/** The word by which one variant of a record is told from the others. */
export function tagOf(variant, tag, defs) {
  const held = resolved(variant.properties?.[tag], defs);
  return held.const ?? held.default ?? held.enum?.[0];
}

/** Names of required fields that have no value yet, as paths: ["alarm_id", "condition.limit"]. */
export function missing(schema, value, defs, path = "", depth = 0) {
  const { kind, schema: found, variants, tag } = kindOf(schema, defs, depth);
  if (kind === "variants") {
    const chosen = variants.find((one) => tagOf(one, tag, defs) === value?.[tag]);
    return chosen && value ? missing(chosen, value, defs, path, depth) : [];
  }
  if (kind === "list" && Array.isArray(value)) {
    if (value.length < (found.minItems ?? 0)) return [path];
    return value.flatMap((entry, place) => {
      const at = `${path}.${place}`;
      const isEmpty = entry === undefined || (entry === null && !kindOf(found.items, defs).nullable);
      return isEmpty ? [at] : missing(found.items, entry, defs, at, depth + 1);
    });
  }
  if (kind !== "record" || value === null || typeof value !== "object") return [];
  return fieldsOf(found, defs).flatMap((field) => {
    const at = path ? `${path}.${field.name}` : field.name;
    const held = value[field.name];
    if (held === undefined) return field.required ? [at] : [];
    return missing(field.schema, held, defs, at, depth + 1);
  });
}

/** Whether a field of that name holds what nobody may read over a shoulder. */
export const isSecret = (name) => SECRET.test(name);

/** The same input with everything secret hidden, to be shown. */
export function hidden(input) {
  if (Array.isArray(input)) return input.map(hidden);
  if (input === null || typeof input !== "object") return input;
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, isSecret(name) && typeof value === "string" ? HIDDEN : hidden(value)]));
}

function without(object, keys) {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

// --- finding procedures -----------------------------------------------------------------------------------------------

/** Procedures that have every word in their path, REST address, permission or documentation; a path's beginning first. */
export function matching(procedures, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return procedures;
  return procedures
    .map((procedure) => ({ procedure, rank: rankOf(procedure, wanted) }))
    .filter((found) => found.rank > 0)
    .sort((one, other) => other.rank - one.rank)
    .map((found) => found.procedure);
}

function rankOf(procedure, wanted) {
  const path = procedure.path.toLowerCase();
  const text = [path, procedure.type, procedure.rest && `${procedure.rest.method} ${procedure.rest.path}`, procedure.meta.permission, procedure.doc]
    .filter(Boolean).join(" ").toLowerCase();
  if (!wanted.every((word) => text.includes(word))) return 0;
  const address = procedure.rest?.path.toLowerCase();
  const begun = wanted.filter((word) => word.length > 1 && address?.startsWith(word)).length + (wanted.includes(address) ? 1 : 0);
  return 1 + wanted.filter((word) => path.includes(word)).length + (path.startsWith(wanted[0]) ? 1 : 0) + begun;
}

/** Procedures by noun, in the order in which they come: [[noun, procedures], …]. */
export function byNoun(procedures) {
  const nouns = new Map();
  for (const procedure of procedures) {
    const noun = procedure.path.slice(0, procedure.path.lastIndexOf("."));
    if (!nouns.has(noun)) nouns.set(noun, []);
    nouns.get(noun).push(procedure);
  }
  return [...nouns];
}
