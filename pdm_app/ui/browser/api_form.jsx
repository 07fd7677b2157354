/* A form for any input that a JSON schema describes; what has no good field is written as JSON. `undefined` is left out. */
import { useEffect, useId, useState } from "react";
import { beginning, fieldsOf, isSecret, kindOf, tagOf, wordsOf } from "./api_schema.js";
import { t } from "./messages.js";

const LONG_TEXT = 200; // Characters from which a field is several lines high.

/** The whole input. `issues` are the server's words by path, `onChange` gets the new value. */
export function InputForm({ schema, defs, value, issues, onChange }) {
  const { kind } = kindOf(schema, defs);
  if (kind === "record" || kind === "variants") {
    return <div className="api-form"><Held schema={schema} defs={defs} value={value} path="" issues={issues} onChange={onChange} depth={0} /></div>;
  }
  return (
    <div className="api-form">
      <Field name={t("api.input")} schema={schema} defs={defs} required value={value} path="" issues={issues} onChange={onChange} depth={0} />
    </div>
  );
}

/** One named field: label, what it takes, the field itself, and what the server found wrong with it. */
function Field({ name, schema, defs, required, isEntry = false, value, path, issues, onChange, depth }) {
  const id = useId();
  const { kind, nullable, schema: found } = kindOf(schema, defs, depth);
  const issue = issues[path];
  const hint = isEntry ? "" : [found.description?.replace(/\.$/, ""), wordsOf(schema, defs), hasDefault(found) && t("api.default", { value: JSON.stringify(found.default) })].filter(Boolean).join(" · ");
  const inside = kind === "record" || kind === "variants" || kind === "list";
  const isThere = value !== undefined && value !== null;
  return (
    <div className="api-field" data-inside={inside}>
      <div className="api-field-head">
        {inside
          ? <code className="code" id={`${id}-name`}>{name}</code>
          : <label htmlFor={id}><code className="code">{name}</code></label>}
        {required && !isEntry && <span className="api-required">{t("api.required")}</span>}
        {inside && !required && (
          <button type="button" className="link" onClick={() => onChange(isThere ? undefined : beginAgain(schema, defs))}>
            {isThere ? t("api.leave_out") : t("api.set")}
          </button>
        )}
      </div>
      {hint && <p className="caption" id={`${id}-hint`}>{hint}</p>}
      {inside
        ? (isThere || required) && (
          <div className="api-inside" role="group" aria-labelledby={`${id}-name`}>
            <Held schema={schema} defs={defs} value={value} path={path} issues={issues} onChange={onChange} depth={depth} />
          </div>
        )
        : <Plain id={id} hintId={hint ? `${id}-hint` : undefined} name={name} kind={kind} found={found} schema={schema} defs={defs} nullable={nullable} required={required} value={value} invalid={Boolean(issue)} onChange={onChange} depth={depth} />}
      {issue && <p className="field-error" role="alert">{issue}</p>}
    </div>
  );
}

/* That nothing means nothing goes without saying. */
const hasDefault = (found) => "default" in found && !["null", '""', "[]", "{}"].includes(JSON.stringify(found.default));

/** Something to begin with, also where the default is nothing. */
function beginAgain(schema, defs) {
  const { kind } = kindOf(schema, defs);
  return beginning(schema, defs) ?? (kind === "list" ? [] : {});
}

/** What holds further fields: a record, one of several records, or a list. */
function Held({ schema, defs, value, path, issues, onChange, depth }) {
  const { kind, schema: found, variants, tag } = kindOf(schema, defs, depth);
  if (kind === "list") return <Entries found={found} defs={defs} value={value ?? []} path={path} issues={issues} onChange={onChange} depth={depth} />;
  if (kind === "record") return <Members found={found} defs={defs} value={value ?? {}} path={path} issues={issues} onChange={onChange} depth={depth} />;
  const chosen = variants.find((one) => tagOf(one, tag, defs) === value?.[tag]) ?? variants[0];
  const choose = (word) => {
    const next = variants.find((one) => tagOf(one, tag, defs) === word);
    onChange({ ...beginning(next, defs), [tag]: word });
  };
  return (
    <>
      <select className="input" aria-label={tag} value={tagOf(chosen, tag, defs)} onChange={(event) => choose(event.target.value)}>
        {variants.map((one) => <option key={tagOf(one, tag, defs)} value={tagOf(one, tag, defs)}>{tagOf(one, tag, defs)}</option>)}
      </select>
      <Members found={chosen} defs={defs} but={tag} value={value ?? {}} path={path} issues={issues} onChange={onChange} depth={depth} />
    </>
  );
}

function Members({ found, defs, but, value, path, issues, onChange, depth }) {
  const fields = fieldsOf(found, defs);
  const change = (name, member) => {
    const next = { ...value, [name]: member };
    const order = [...fields.map((field) => field.name), ...Object.keys(next)]; // As the form has them, not as they were filled in.
    onChange(Object.fromEntries([...new Set(order)].filter((key) => next[key] !== undefined).map((key) => [key, next[key]])));
  };
  return fields
    .filter((field) => field.name !== but)
    .map((field) => (
      <Field
        key={field.name} {...field} defs={defs} value={value[field.name]} path={path ? `${path}.${field.name}` : field.name}
        issues={issues} onChange={(member) => change(field.name, member)} depth={depth + 1}
      />
    ));
}

function Entries({ found, defs, value, path, issues, onChange, depth }) {
  const entries = Array.isArray(value) ? value : [];
  const put = (place, entry) => onChange(entries.map((held, index) => (index === place ? entry : held)));
  return (
    <>
      {entries.map((entry, place) => (
        // eslint-disable-next-line react/no-array-index-key -- an entry is its place
        <div className="api-entry" key={place}>
          <Field
            name={`${place + 1}`} schema={found.items ?? {}} defs={defs} required isEntry value={entry} path={`${path}.${place}`}
            issues={issues} onChange={(changed) => put(place, changed)} depth={depth + 1}
          />
          <button type="button" className="button button-small button-plain" onClick={() => onChange(entries.filter((_, index) => index !== place))}>
            {t("api.remove", { place: place + 1 })}
          </button>
        </div>
      ))}
      <button type="button" className="button button-small" onClick={() => onChange([...entries, beginning(found.items ?? {}, defs) ?? null])}>
        {t("api.add")}
      </button>
    </>
  );
}

/** One value: chosen, typed in, or written as JSON. */
function Plain({ id, hintId, name, kind, found, schema, defs, nullable, required, value, invalid, onChange, depth }) {
  const hinted = { id, "aria-describedby": hintId, "aria-invalid": invalid || undefined };
  if (kind === "choice" || kind === "yes_no") {
    const values = kind === "yes_no" ? [true, false] : kindOf(schema, defs, depth).values;
    return (
      <select className="input" {...hinted} value={value === undefined ? "" : JSON.stringify(value)} onChange={(event) => onChange(event.target.value ? JSON.parse(event.target.value) : undefined)}>
        <option value="">{required ? t("api.choose") : t("api.left_out")}</option>
        {values.map((one) => <option key={JSON.stringify(one)} value={JSON.stringify(one)}>{String(one)}</option>)}
        {nullable && <option value="null">{t("api.nothing")}</option>}
      </select>
    );
  }
  if (kind === "text") {
    const long = (found.maxLength ?? 0) > LONG_TEXT;
    const common = {
      ...hinted, className: "input", value: write(value), placeholder: required ? "" : t("api.left_out"), spellCheck: false, autoComplete: "off",
      onChange: (event) => onChange(event.target.value === "" && !required ? undefined : event.target.value),
    };
    return long ? <textarea rows={2} {...common} /> : <input type={isSecret(name) ? "password" : "text"} {...common} autoComplete="off" />;
  }
  return <Written hinted={hinted} kind={kind} required={required} value={value} onChange={onChange} />;
}

/** A number or a piece of JSON: kept as it is typed, taken over when it can be read. */
function Written({ hinted, kind, required, value, onChange }) {
  const [typed, setTyped] = useState(() => write(value));
  const [fault, setFault] = useState("");
  useEffect(() => {
    // Changed from elsewhere, such as the JSON beside the form; not by what is being typed here.
    setTyped((before) => (JSON.stringify(read(before, kind).value) === JSON.stringify(value) ? before : write(value)));
  }, [kind, value]);
  const take = (text) => {
    setTyped(text);
    const { value: taken, problem } = read(text, kind);
    setFault(problem);
    onChange(problem ? text : taken); // The server says what is wrong with a text where a number belongs.
  };
  const common = {
    ...hinted, className: "input", value: typed, spellCheck: false, autoComplete: "off", "aria-invalid": Boolean(fault) || hinted["aria-invalid"],
    placeholder: required ? "" : t("api.left_out"), onChange: (event) => take(event.target.value),
  };
  return (
    <>
      {kind === "json" ? <textarea rows={2} {...common} className="input code" /> : <input type="text" inputMode="decimal" {...common} />}
      {fault && <p className="field-error">{fault}</p>}
    </>
  );
}

const write = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

function read(text, kind) {
  if (text.trim() === "") return { value: undefined, problem: "" };
  if (kind === "json") {
    try {
      return { value: JSON.parse(text), problem: "" };
    } catch (error) {
      return { value: text, problem: t("api.no_json", { why: error.message }) };
    }
  }
  const number = Number(text.trim().replace(",", "."));
  if (!Number.isFinite(number)) return { value: text, problem: t("api.no_number") };
  if (kind === "integer" && !Number.isSafeInteger(number)) return { value: text, problem: t("api.no_integer") };
  return { value: number, problem: "" };
}
