/* One's own account: password, second factor, sessions, and how the pages look. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { apply } from "./entrance.js";
import { faultOf, Field, messageOf, Refusal } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ContactForm } from "./notice_forms.jsx";
import { ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { NewPassword } from "./password_field.jsx";
import { SessionList } from "./session_list.jsx";
import { CodeField, Enrolment, Recovery } from "./sign_in_steps.jsx";

export const ProfilePage = guarded(function ProfilePage({ homes = [] }) {
  const { answer, error, again } = useQuery("profile.show");
  if (error && !answer) return <section className="card"><ErrorNote what={t("profile.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={240} /></section>;
  return (
    <div className="profile">
      <Account user={answer.user} />
      <Preferences given={answer.preferences} homes={homes} />
      <Password username={answer.user.username} onChanged={again} />
      <SecondFactor profile={answer} onChanged={again} />
      <Reached />
      <Sessions />
    </div>
  );
});

function Account({ user }) {
  return (
    <section className="card">
      <header className="card-head"><h2>{t("profile.account")}</h2></header>
      <dl className="definition">
        <dt>{t("users.display_name")}</dt><dd>{user.display_name}</dd>
        <dt>{t("login.username")}</dt><dd className="code">{user.username}</dd>
        <dt>{t("login.role")}</dt><dd>{t("shell.role", { role: user.role })}</dd>
      </dl>
    </section>
  );
}

function Preferences({ given, homes }) {
  const [preferences, setPreferences] = useState(given);
  const { run, busy, error } = useAct();
  const change = (field) => (event) => {
    const wanted = { ...preferences, [field]: event.target.value };
    setPreferences(wanted);
    run(async () => {
      apply(await link().mutate("profile.prefer", wanted));
      if (field === "units") location.reload(); // Every value of every widget reads otherwise.
    });
  };
  const choice = (field, values, words) => (
    <Field label={t(`preferences.${field}`)} as="select" value={preferences[field]} disabled={busy} onChange={change(field)}>
      {values.map((value) => <option key={value} value={value}>{words(value)}</option>)}
    </Field>
  );
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("preferences.title")}</h2></header>
      <ActError error={error} />
      {choice("theme", ["system", "light", "dark"], (value) => t(`theme.${value}`))}
      {choice("density", ["comfortable", "compact"], (value) => t(`preferences.density_of.${value}`))}
      {choice("units", ["si", "us"], (value) => t(`preferences.units_of.${value}`))}
      {choice("home", ["role", ...new Set([...homes.map((home) => home.path), preferences.home].filter((path) => path !== "role"))], (value) => (value === "role" ? t("preferences.home_of_role") : homes.find((home) => home.path === value)?.name ?? value))}
      <p className="caption">{t("preferences.hint")}</p>
    </section>
  );
}

function Password({ username, onChanged }) {
  const [round, setRound] = useState(0);
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      await link().mutate("profile.change_password", { password: form.get("old"), new_password: form.get("new") });
      setRound((count) => count + 1);
      onChanged();
    });
  };
  return (
    <section className="card">
      <header className="card-head"><h2>{t("profile.password")}</h2></header>
      <form className="entrance-form" onSubmit={submit} key={round}>
        <Refusal message={messageOf(error, ["password", "new_password"])} />
        <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
        <Field label={t("profile.old_password")} name="old" type="password" autoComplete="current-password" required maxLength={256}
          error={faultOf(error, "password")} />
        <NewPassword label={t("step.new_password")} name="new" username={username} error={faultOf(error, "new_password")} />
        <div className="note-actions">
          <button type="submit" className="button" disabled={busy}>{t("profile.change_password")}</button>
          {round > 0 && !error && <span className="caption" role="status">{t("profile.password_changed")}</span>}
        </div>
      </form>
    </section>
  );
}

function SecondFactor({ profile, onChanged }) {
  const [enrolment, setEnrolment] = useState(null);
  const [codes, setCodes] = useState(null);
  const { run, busy, error } = useAct();
  const send = (path, input, take) => run(async () => { take(await link().mutate(path, input)); onChanged(); });
  const begin = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    send("profile.begin_mfa", { password: form.get("password"), code: form.get("code") ?? "" }, setEnrolment);
  };
  const confirm = (event) => {
    event.preventDefault();
    send("profile.confirm_mfa", { code: new FormData(event.currentTarget).get("code") }, (answer) => { setCodes(answer.codes); setEnrolment(null); });
  };
  return (
    <section className="card mfa">
      <header className="card-head">
        <h2>{t("mfa.title")}</h2>
        <span className="aside">{profile.has_mfa ? <>{t("mfa.on")} <Moment at={profile.mfa_since} /></> : t("mfa.off")}</span>
      </header>
      {codes ? (
        <Recovery codes={codes} onDone={() => setCodes(null)} />
      ) : enrolment ? (
        <form className="entrance-form" onSubmit={confirm}>
          <Enrolment enrolment={enrolment} />
          <ActError error={error} />
          <CodeField label={t("step.app_code")} />
          <div className="note-actions">
            <button type="submit" className="button button-primary" disabled={busy}>{t("mfa.confirm")}</button>
            <button type="button" className="button" onClick={() => setEnrolment(null)}>{t("action.cancel")}</button>
          </div>
        </form>
      ) : (
        <>
          <p className="muted">{t(profile.mfa_is_required ? "mfa.required" : "mfa.hint")}</p>
          <ActError error={error} />
          <form className="inline-form" onSubmit={begin}>
            <Field label={t("profile.old_password")} name="password" type="password" autoComplete="current-password" required maxLength={256} />
            {profile.has_mfa && <CodeField label={t("step.any_code")} autoFocus={false} />}
            <button type="submit" className="button" disabled={busy}>{t(profile.has_mfa ? "mfa.replace" : "mfa.set_up")}</button>
          </form>
          {profile.has_mfa && <Enrolled profile={profile} onCodes={setCodes} onChanged={onChanged} />}
        </>
      )}
    </section>
  );
}

function Enrolled({ profile, onCodes, onChanged }) {
  const { run, busy, error } = useAct();
  const renew = (event) => {
    event.preventDefault();
    const code = new FormData(event.currentTarget).get("code");
    run(async () => { onCodes((await link().mutate("profile.new_recovery", { code })).codes); onChanged(); });
  };
  const end = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => { await link().mutate("profile.end_mfa", { password: form.get("password"), code: form.get("code") }); onChanged(); });
  };
  return (
    <>
      <p className="caption">{t("mfa.left", { count: profile.recovery_left })}</p>
      <ActError error={error} />
      <details>
        <summary>{t("mfa.new_recovery")}</summary>
        <form className="inline-form" onSubmit={renew}>
          <CodeField label={t("step.app_code")} autoFocus={false} />
          <button type="submit" className="button" disabled={busy}>{t("mfa.make_recovery")}</button>
        </form>
      </details>
      {!profile.mfa_is_required && (
        <details>
          <summary>{t("mfa.end")}</summary>
          <form className="inline-form" onSubmit={end}>
            <Field label={t("profile.old_password")} name="password" type="password" autoComplete="current-password" required maxLength={256} />
            <CodeField label={t("step.any_code")} autoFocus={false} />
            <button type="submit" className="button" disabled={busy}>{t("mfa.end")}</button>
          </form>
        </details>
      )}
    </>
  );
}

/** How messages about alarms reach one, and when not. */
function Reached() {
  const { answer, again } = useQuery("notices.my_contact");
  const [round, setRound] = useState(0);
  return (
    <section className="card" id="contact">
      <header className="card-head"><h2>{t("profile.reached")}</h2></header>
      <p className="muted">{t("profile.reached_hint")}</p>
      {!answer && <Skeleton height={120} />}
      {answer && (
        <ContactForm key={answer.revision} contact={answer} save={(facts) => link().mutate("notices.put_my_contact", { facts })}
          onDone={() => { setRound((count) => count + 1); again(); }} />
      )}
      {round > 0 && <span className="caption" role="status">{t("profile.reached_saved")}</span>}
    </section>
  );
}

function Sessions() {
  const { answer, error, again } = useQuery("sessions.list");
  const { run, busy, error: refusal } = useAct();
  const revoke = (session_id) => run(async () => { await link().mutate("sessions.revoke", { session_id }); again(); });
  const revokeOthers = () => run(async () => { await link().mutate("sessions.revoke_others"); again(); });
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t("sessions.title")}</h2>
        {answer?.length > 1 && <button type="button" className="button push" disabled={busy} onClick={revokeOthers}>{t("sessions.end_others")}</button>}
      </header>
      <ActError error={refusal ?? error} />
      <SessionList sessions={answer ?? []} busy={busy} onRevoke={revoke} />
    </section>
  );
}
