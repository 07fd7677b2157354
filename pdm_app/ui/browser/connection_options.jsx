/* Fields for what a driver takes beside the endpoint, made from its own schema; what equals the usual value is not sent. */
import { Check, Field } from "./form_parts.jsx";
import { t } from "./messages.js";
import { typedNumber } from "./plant_edit.js";

export function OptionFields({ schema, options, error, onChange }) {
  const set = (name, value, usual) => {
    const { [name]: _, ...others } = options;
    onChange(value === "" || value === null || value === usual ? others : { ...others, [name]: value });
  };
  const faults = (error?.data?.issues ?? []).filter((issue) => issue.loc?.[0] === "options");
  return (
    <details className="stack" open={faults.length > 0 || undefined}>
      <summary>{t("connections.options", { count: Object.keys(options).length })}</summary>
      <div className="entrance-form">
        {Object.entries(schema.properties).map(([name, field]) => (
          <Option key={name} name={name} field={field} value={options[name]} onChange={(value) => set(name, value, field.default)}
            error={faults.find((issue) => issue.loc[1] === name)?.msg ?? ""} />
        ))}
      </div>
    </details>
  );
}

function Option({ name, field, value, onChange, error }) {
  const shared = { label: <span className="code">{name}</span>, hint: field.description, error };
  if (field.type === "boolean") {
    return (
      <div className="field">
        <Check label={<span className="code">{name}</span>} checked={value ?? field.default ?? false} onChange={(event) => onChange(event.target.checked)} />
        {field.description && <span className="caption">{field.description}</span>}
      </div>
    );
  }
  if (field.enum) {
    const pick = (event) => onChange(field.enum.find((each) => String(each) === event.target.value));
    return <Field {...shared} as="select" value={String(value ?? field.default)} onChange={pick}>{field.enum.map((each) => <option key={each} value={each}>{String(each)}</option>)}</Field>;
  }
  if (field.type === "number" || field.type === "integer") {
    return <NumberOption shared={shared} field={field} value={value} onChange={onChange} />;
  }
  return <Field {...shared} value={value ?? ""} maxLength={field.maxLength} autoComplete="off" spellCheck="false" placeholder={String(field.default ?? "")} onChange={(event) => onChange(event.target.value)} />;
}

/** A number as it is typed; what is none is sent as it stands, for the server to say what is wrong with it. */
function NumberOption({ shared, field, value, onChange }) {
  const read = (event) => {
    const number = typedNumber(event.target.value);
    onChange(Number.isNaN(number) ? event.target.value : number);
  };
  return <Field {...shared} inputMode="decimal" defaultValue={value ?? ""} placeholder={String(field.default ?? "")} autoComplete="off" onChange={read} />;
}
