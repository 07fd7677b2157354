/* A one-time link: an invitation, or a new password. Its token stands behind the # and is sent to nobody but us. */
import { useEffect, useState } from "react";
import { issueOf, post } from "./entrance.js";
import { Refusal } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { t } from "./messages.js";
import { NewPassword } from "./password_field.jsx";
import { Skeleton } from "./parts.jsx";
import { Step, useProgress } from "./sign_in_steps.jsx";

export const AcceptForm = guarded(function AcceptForm() {
  const [token, setToken] = useState("");
  const [view, setView] = useState(null);
  const { progress, sent, send, again } = useProgress("");
  useEffect(() => {
    const given = globalThis.location.hash.slice(1);
    setToken(given);
    // Out of the address bar and the history of whoever sits here next.
    globalThis.history.replaceState(globalThis.history.state, "", globalThis.location.pathname);
    post("/api/auth/link", { token: given }).then((outcome) => setView(outcome.ok ? outcome.told : { refused: outcome.message }));
  }, []);
  const submit = (event) => {
    event.preventDefault();
    send("/api/auth/accept", { token, password: new FormData(event.currentTarget).get("password") });
  };
  if (!view) return <Skeleton height={120} />;
  if (view.refused) {
    return (
      <div className="entrance-form">
        <h2>{t("accept.refused")}</h2>
        <p className="muted" role="alert">{view.refused}</p>
        <a className="button" href="/login">{t("setup.to_login")}</a>
      </div>
    );
  }
  if (progress) return <Step progress={progress} sent={sent} send={send} again={again} />;
  return (
    <form className="entrance-form" onSubmit={submit}>
      <h2>{t(`accept.${view.purpose}`, { name: view.display_name })}</h2>
      <p className="muted">{t("accept.hint", { username: view.username })}</p>
      <Refusal message={sent.message} />
      <input type="text" name="username" autoComplete="username" value={view.username} readOnly hidden />
      <NewPassword username={view.username} error={issueOf(sent.issues, "password")} autoFocus />
      <button type="submit" className="button button-primary" disabled={sent.busy}>{t("accept.set")}</button>
    </form>
  );
});
