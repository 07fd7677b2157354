/* What an account owes after its password: a code, a new password, an authenticator app; then the page opens. */
import { useState } from "react";
import { apply, enter, issueOf, post } from "./entrance.js";
import { Field, Refusal } from "./form_parts.jsx";
import { t } from "./messages.js";
import { NewPassword } from "./password_field.jsx";

/** {progress, sent, send}: `send(path, body)` posts and keeps what is owed next; a session opens the page. */
export function useProgress(nextPath) {
  const [progress, setProgress] = useState(null);
  const [sent, setSent] = useState({ busy: false, message: "", issues: [] });
  const send = async (path, body) => {
    setSent({ busy: true, message: "", issues: [] });
    const outcome = await post(path, { ...body, ...(nextPath ? { next: nextPath } : {}) });
    if (!outcome.ok) {
      setSent({ busy: false, message: outcome.message, issues: outcome.issues });
      return;
    }
    const told = outcome.told;
    if (told.step || told.recovery_codes) {
      setProgress(told);
      setSent({ busy: false, message: "", issues: [] });
    } else {
      apply(told.preferences);
      enter(told.next);
    }
  };
  return { progress, sent, send, again: () => setProgress(null) };
}

/** The form of the step that is owed. */
export function Step({ progress, sent, send, again }) {
  const submit = (event) => {
    event.preventDefault();
    const answer = new FormData(event.currentTarget).get("answer");
    send("/api/auth/step", { challenge: progress.challenge, answer });
  };
  if (!progress.step) {
    const open = () => { apply(progress.preferences); enter(progress.next); };
    return <Recovery codes={progress.recovery_codes} onDone={open} />;
  }
  return (
    <form className="entrance-form" onSubmit={submit} key={progress.step}>
      <h2>{t(`step.${progress.step}`)}</h2>
      <p className="muted">{t(`step.${progress.step}.hint`)}</p>
      <Refusal message={sent.message} />
      {progress.step === "enrol" && <Enrolment enrolment={progress.enrolment} />}
      {progress.step === "password" ? (
        <NewPassword label={t("step.new_password")} name="answer" error={issueOf(sent.issues, "password")} autoFocus />
      ) : (
        <CodeField name="answer" label={t(progress.step === "code" ? "step.any_code" : "step.app_code")} error={issueOf(sent.issues, "code")} />
      )}
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={sent.busy}>{t("step.go_on")}</button>
        <button type="button" className="button" onClick={again}>{t("setup.back")}</button>
      </div>
    </form>
  );
}

/** Six digits of the app, or a recovery code where one is taken. */
export function CodeField({ label, name = "code", error, autoFocus = true }) {
  return (
    <Field label={label} name={name} autoComplete="one-time-code" inputMode="text" autoCapitalize="none" spellCheck="false"
      required maxLength={40} autoFocus={autoFocus} error={error} />
  );
}

/** A picture to scan, and the words for whoever cannot. */
export function Enrolment({ enrolment }) {
  return (
    <div className="enrolment">
      <div className="qr-frame" role="img" aria-label={t("mfa.qr")} dangerouslySetInnerHTML={{ __html: enrolment.qr_svg }} />
      <div>
        <p>{t("mfa.scan")}</p>
        <p className="caption">{t("mfa.or_type")}</p>
        <output className="code block" data-seed="true">{enrolment.typed}</output>
      </div>
    </div>
  );
}

/** Recovery codes, shown once. */
export function Recovery({ codes, onDone }) {
  const save = () => {
    const file = URL.createObjectURL(new Blob([`${codes.join("\n")}\n`], { type: "text/plain" }));
    const link = Object.assign(document.createElement("a"), { href: file, download: "recovery-codes.txt" });
    link.click();
    URL.revokeObjectURL(file);
  };
  return (
    <div className="entrance-form recovery">
      <h2>{t("mfa.recovery")}</h2>
      <p className="muted">{t("mfa.recovery_hint")}</p>
      <ul className="recovery-codes code">{codes.map((code) => <li key={code}>{code}</li>)}</ul>
      <div className="note-actions">
        <button type="button" className="button" onClick={save}>{t("mfa.save")}</button>
        <button type="button" className="button button-primary" onClick={onDone}>{t("mfa.kept")}</button>
      </div>
    </div>
  );
}
