/* Where somebody may look, and which rights they have beside those of their role. */
import { Check, Field } from "./form_parts.jsx";
import { t } from "./messages.js";

/** One box per site; an admin sees them all. */
export function SiteChoice({ role, sites, chosen, onChoose }) {
  if (role === "admin") return <p className="caption">{t("users.admin_sees_all")}</p>;
  const toggle = (id) => onChoose(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  return (
    <fieldset className="choice-list">
      <legend className="field-label">{t("users.sites")}</legend>
      {sites.map((site) => <Check key={site.id} label={site.name} checked={chosen.includes(site.id)} onChange={() => toggle(site.id)} />)}
      {sites.length === 0 && <span className="caption">{t("users.no_sites_yet")}</span>}
    </fieldset>
  );
}

/** For each right: as the role has it, granted, or denied. */
export function RightsChoice({ rights, ofRole, grants, denials, onChoose }) {
  const choose = (right, state) =>
    onChoose({
      grants: [...grants.filter((each) => each !== right), ...(state === "granted" ? [right] : [])],
      denials: [...denials.filter((each) => each !== right), ...(state === "denied" ? [right] : [])],
    });
  return (
    <details className="rights">
      <summary>{t("users.own_rights", { count: grants.length + denials.length })}</summary>
      <div className="rights-list">
        {rights.map((right) => (
          <Field key={right} label={<span className="code">{right}</span>} as="select"
            value={grants.includes(right) ? "granted" : denials.includes(right) ? "denied" : "role"}
            onChange={(event) => choose(right, event.target.value)}>
            <option value="role">{t(ofRole.includes(right) ? "users.right.role_has" : "users.right.role_lacks")}</option>
            {!ofRole.includes(right) && <option value="granted">{t("users.right.granted")}</option>}
            {ofRole.includes(right) && <option value="denied">{t("users.right.denied")}</option>}
          </Field>
        ))}
      </div>
    </details>
  );
}

/** One box per right, for accounts that have no role to stand on. */
export function RightsBoxes({ rights, chosen, onChoose }) {
  const toggle = (right) => onChoose(chosen.includes(right) ? chosen.filter((each) => each !== right) : [...chosen, right]);
  return (
    <fieldset className="choice-list choice-columns">
      <legend className="field-label">{t("accounts.rights")}</legend>
      {rights.map((right) => <Check key={right} label={<span className="code">{right}</span>} checked={chosen.includes(right)} onChange={() => toggle(right)} />)}
    </fieldset>
  );
}
