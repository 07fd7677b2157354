/* An electronic signature: what is signed, what it means, and by whom, shown before the password is typed. */
import { useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { useNow, useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { Moment } from "./parts.jsx";

export const MEANINGS = ["authored", "reviewed", "approved", "rejected", "performed"];

/** Asks for meaning (unless it is given), reason, password and code; `onSign(said)` does the deed and may be refused. */
export function SignDialog({ title, what, meaning = null, onSign, onClose }) {
  const now = useNow();
  const { answer: profile } = useQuery("profile.show");
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = { meaning: meaning ?? form.get("meaning"), password: form.get("password"), code: form.get("code") ?? "", reason: form.get("reason") };
    run(async () => { await onSign(said); onClose(); });
  };
  const fault = (field) => faultOf(error, field) || (error?.data?.issues ?? []).find((issue) => issue.loc?.at(-1) === field)?.msg || "";
  return (
    <Sheet title={title} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <dl className="definition">
          <dt>{t("signatures.what")}</dt><dd>{what}</dd>
          <dt>{t("signatures.signer")}</dt><dd>{profile?.user.display_name ?? "…"}</dd>
          {meaning && <><dt>{t("signatures.meaning")}</dt><dd>{t("signatures.meaning_of", { meaning })}</dd></>}
          <dt>{t("signatures.at")}</dt><dd>{now !== null && <Moment at={now} />}</dd>
        </dl>
        <Refusal message={fault("password") || fault("code") ? "" : messageOf(error)} />
        {!meaning && (
          <Field label={t("signatures.meaning")} name="meaning" as="select" defaultValue="reviewed">
            {MEANINGS.map((each) => <option key={each} value={each}>{t("signatures.meaning_of", { meaning: each })}</option>)}
          </Field>
        )}
        <Field label={t("form.reason")} name="reason" maxLength={2000} autoComplete="off" />
        <Field label={t("profile.old_password")} name="password" type="password" autoComplete="current-password" required maxLength={256} autoFocus error={fault("password")} />
        {profile?.has_mfa && <Field label={t("step.any_code")} name="code" inputMode="text" autoComplete="one-time-code" required maxLength={64} error={fault("code")} />}
        <p className="caption">{t("signatures.binding")}</p>
        <button type="submit" className="button button-primary" disabled={busy || !profile}>{t("signatures.sign")}</button>
      </form>
    </Sheet>
  );
}
