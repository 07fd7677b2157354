/* Sign-in and first set-up: plain posts to the endpoints that set the session cookies. */
import { useEffect, useState } from "react";
import { enter, issueOf, post, wayTo } from "./entrance.js";
import { Field, Refusal } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { NewPassword } from "./password_field.jsx";
import { Step, useProgress } from "./sign_in_steps.jsx";

/** Name and password, a button per provider of the company, and in the demo one for each of its accounts. */
export function SignInForm({ nextPath, accounts = [], providers = [], refused = "", refusedBy = "", resumes = false }) {
  const { progress, sent, send, again } = useProgress(nextPath);
  useEffect(() => {
    if (resumes) send("/api/auth/oidc/resume", {}); // Back from a provider, and something of ours is still owed.
  }, [resumes]);
  const signIn = (username, password) => send("/api/auth/login", { username, password });
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn(form.get("username"), form.get("password"));
  };
  if (progress) return <Step progress={progress} sent={sent} send={send} again={again} />;
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={sent.message || (refused && t(`login.refused.${refused}`, { name: refusedBy || t("login.your_company") }))} />
      <Field label={t("login.username")} name="username" autoComplete="username" autoCapitalize="none" spellCheck="false" required autoFocus />
      <Field label={t("login.password")} name="password" type="password" autoComplete="current-password" required />
      <button type="submit" className="button button-primary" disabled={sent.busy}>{t("login.submit")}</button>
      {providers.length > 0 && (
        <div className="sign-in-providers">
          <span className="caption">{t("login.or")}</span>
          {providers.map((provider) => (
            <a key={provider.id} className="button" href={wayTo(provider.id, nextPath)}>
              {t("login.with", { name: provider.name })}
            </a>
          ))}
        </div>
      )}
      {accounts.length > 0 && (
        <div className="demo-accounts">
          <span className="caption">{t("login.enter_as")}</span>
          {accounts.map((account) => (
            <button key={account.username} type="button" className="button" disabled={sent.busy} onClick={() => signIn(account.username, account.password)}>
              {account.display_name}
            </button>
          ))}
        </div>
      )}
    </form>
  );
}

/** The chooser: explore the demo plant, or start empty with an admin of one's own. */
export function SetupForm({ token, choices }) {
  const [choice, setChoice] = useState(choices.length === 1 && choices[0] === "empty" ? "empty" : "");
  const [username, setUsername] = useState("");
  const [sent, setSent] = useState({ busy: false, message: "", issues: [] });
  const send = async (body) => {
    setSent({ busy: true, message: "", issues: [] });
    const outcome = await post("/api/auth/setup", { token, ...body });
    if (outcome.ok) enter("/plant");
    else setSent({ busy: false, ...outcome });
  };
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    send({ choice, username: form.get("username"), display_name: form.get("display_name"), password: form.get("password") });
  };
  if (!choice) {
    return (
      <div className="choices">
        <Refusal message={sent.message} />
        {choices.map((offered) => (
          <div key={offered} className="choice">
            <strong>{t(`setup.choice.${offered}`)}</strong>
            <span className="muted">{t(`setup.choice.${offered}.hint`)}</span>
            <div className="note-actions">
              {offered === "explore" && (
                <button type="button" className="button button-primary" disabled={sent.busy} onClick={() => send({ choice: offered })}>
                  {t("setup.explore_now")}
                </button>
              )}
              <button type="button" className="button" disabled={sent.busy} onClick={() => setChoice(offered)}>{t("setup.own_admin")}</button>
            </div>
          </div>
        ))}
      </div>
    );
  }
  return (
    <form className="entrance-form" onSubmit={submit}>
      <h2>{t("setup.admin")}</h2>
      <Refusal message={sent.message} />
      <Field label={t("setup.display_name")} name="display_name" autoComplete="name" required error={issueOf(sent.issues, "display_name")} />
      <Field label={t("login.username")} name="username" autoComplete="username" autoCapitalize="none" spellCheck="false" required error={issueOf(sent.issues, "username")}
        onInput={(event) => setUsername(event.currentTarget.value)} />
      <NewPassword username={username} error={issueOf(sent.issues, "password")} />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={sent.busy}>{t("setup.create")}</button>
        {choices.includes("explore") && <button type="button" className="button" onClick={() => setChoice("")}>{t("setup.back")}</button>}
      </div>
    </form>
  );
}

/** Ends the session on the server, then leaves; the page load gives the next person a socket without this session. */
export function LogOut({ children }) {
  const leave = async () => {
    link().leave(); // Its socket closes with the session, and a page that asks why is refused.
    const outcome = await post("/api/auth/logout", {});
    enter(outcome.told?.next ?? "/login"); // To the company's provider, which leads back here, where it has a page for it.
  };
  return <button type="button" onClick={leave}>{children}</button>;
}
