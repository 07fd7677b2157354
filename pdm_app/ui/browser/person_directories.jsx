/* How the company's directories know a person: an address to recognise them by, and the accounts there. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Moment } from "./parts.jsx";

export function PersonDirectories({ userId }) {
  const { answer, again } = useQuery("directories.of_user", { user_id: userId });
  const { run, busy, error } = useAct();
  const [saved, setSaved] = useState(false);
  if (!answer) return null;
  const submit = (event) => {
    event.preventDefault();
    const email = new FormData(event.currentTarget).get("email");
    setSaved(false);
    run(async () => {
      await link().mutate("directories.set_email", { user_id: userId, email });
      setSaved(true);
      again();
    });
  };
  return (
    <section className="stack">
      <h3>{t("directories.of_person")}</h3>
      <form className="inline-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["email"])} />
        <Field label={t("directories.email")} name="email" type="email" autoComplete="off" maxLength={254} defaultValue={answer.email}
          hint={t("directories.email_hint")} error={faultOf(error, "email")} />
        <button type="submit" className="button" disabled={busy}>{t("form.save")}</button>
        {saved && <span className="caption" role="status">{t("form.saved")}</span>}
      </form>
      <ul className="sessions">
        {answer.identities.map((identity) => <Identity key={`${identity.directory_id} ${identity.subject}`} userId={userId} identity={identity} onChanged={again} />)}
      </ul>
    </section>
  );
}

function Identity({ userId, identity, onChanged }) {
  const { run, busy, error } = useAct();
  const unlink = () => run(async () => {
    await link().mutate("directories.unlink", { user_id: userId, directory_id: identity.directory_id, subject: identity.subject });
    onChanged();
  });
  return (
    <li>
      <div>
        <strong>{identity.directory}</strong>
        <div className="caption">{t(identity.is_made ? "directories.rules_it" : "directories.vouches")} · {t("sessions.used")} <Moment at={identity.seen_at} /></div>
        <ActError error={error} />
      </div>
      <button type="button" className="button button-small" disabled={busy} onClick={unlink}>{t("directories.unlink")}</button>
    </li>
  );
}
