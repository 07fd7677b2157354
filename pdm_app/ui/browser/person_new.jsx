/* Inviting somebody: their name, role and sites; then the one-time link to hand over. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet, ShownOnce } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { SiteChoice } from "./person_parts.jsx";

export const ROLES = ["viewer", "operator", "technician", "engineer", "manager", "admin"];

export function InviteSheet({ sites, onClose, onDone }) {
  const [made, setMade] = useState(null);
  const [role, setRole] = useState("operator");
  const [chosen, setChosen] = useState(sites.length === 1 ? [sites[0].id] : []);
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      const input = { username: form.get("username"), display_name: form.get("display_name"), role, site_ids: chosen };
      setMade(await link().mutate("users.invite", input));
      onDone();
    });
  };
  if (made) return <Sheet title={t("users.invite")} onClose={onClose}><LinkMade made={made} onDone={onClose} /></Sheet>;
  return (
    <Sheet title={t("users.invite")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["username", "display_name"])} />
        <Field label={t("users.display_name")} name="display_name" autoComplete="off" required maxLength={120} autoFocus error={faultOf(error, "display_name")} />
        <Field label={t("login.username")} name="username" autoComplete="off" autoCapitalize="none" spellCheck="false" required maxLength={80}
          hint={t("users.username_hint")} error={faultOf(error, "username")} />
        <Field label={t("login.role")} as="select" value={role} onChange={(event) => setRole(event.target.value)}>
          {ROLES.map((each) => <option key={each} value={each}>{t("shell.role", { role: each })}</option>)}
        </Field>
        <SiteChoice role={role} sites={sites} chosen={chosen} onChoose={setChosen} />
        <button type="submit" className="button button-primary" disabled={busy}>{t("users.make_link")}</button>
      </form>
    </Sheet>
  );
}

/** The one-time link, with the address of this product before it. */
export function LinkMade({ made, onDone }) {
  const address = `${globalThis.location.origin}${made.path}`;
  return <ShownOnce title={t("users.link_made", { name: made.user.display_name })} text={t("users.link_hint")} value={address} onDone={onDone} />;
}
