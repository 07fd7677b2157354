/* Programs that call with a key: their rights, sites and keys. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet, ShownOnce } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useNow, useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment } from "./parts.jsx";
import { sitesOf } from "./people.jsx";
import { RightsBoxes, SiteChoice } from "./person_parts.jsx";
import { Day } from "./session_list.jsx";

const DAYS = ["30", "90", "365", ""];

export const ServiceAccounts = guarded(function ServiceAccounts({ rights = [] }) {
  const { answer, error, again } = useQuery("service_accounts.list");
  const { answer: me } = useQuery("auth.me");
  const [open, setOpen] = useState(null);
  const sites = me?.sites ?? [];
  if (error && !answer) return <section className="card"><ErrorNote what={t("accounts.failed")} error={error} again={again} /></section>;
  const chosen = answer?.find((each) => each.account.id === open);
  return (
    <section className="card people">
      <header className="card-head">
        <h2>{t("accounts.title")}</h2>
        <button type="button" className="button push" onClick={() => setOpen("new")}>{t("accounts.create")}</button>
      </header>
      {answer?.length === 0 && <EmptyNote title={t("accounts.empty")} text={t("accounts.empty_hint")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("users.name")}</th><th>{t("users.sites")}</th><th>{t("accounts.rights")}</th><th>{t("accounts.keys")}</th></tr></thead>
          <tbody>
            {answer.map(({ account, keys }) => (
              <tr key={account.id}>
                <td>
                  <button type="button" className="link" onClick={() => setOpen(account.id)}>{account.display_name}</button>
                  <div className="code caption">{account.username}</div>
                  {!account.is_active && <span className="chip" data-state="deactivated">{t("users.state_of", { state: "deactivated" })}</span>}
                </td>
                <td data-label={t("users.sites")}>{sitesOf(account, sites)}</td>
                <td data-label={t("accounts.rights")} className="code caption">{account.grants.join(", ") || "–"}</td>
                <td data-label={t("accounts.keys")}>
                  {t("accounts.key_count", { count: keys.filter((key) => !key.revoked_at).length })}
                  <div className="caption">{lastUse(keys) ? <>{t("sessions.used")} <Moment at={lastUse(keys)} /></> : t("accounts.unused")}</div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open === "new" && <AccountForm sites={sites} rights={rights} onClose={() => setOpen(null)} onDone={(id) => { again(); setOpen(id); }} />}
      {chosen && (
        <Sheet title={chosen.account.display_name} onClose={() => setOpen(null)} side>
          <AccountFacts key={chosen.account.id} account={chosen.account} sites={sites} rights={rights} onChanged={again} />
          <Keys account={chosen} onChanged={again} />
          <Remove account={chosen.account} onDone={() => { setOpen(null); again(); }} />
        </Sheet>
      )}
    </section>
  );
});

function lastUse(keys) {
  return Math.max(0, ...keys.map((key) => key.last_used_at ?? 0));
}

/** Name, sites and rights of an account that is there; a program notices at its next call. */
function AccountFacts({ account, sites, rights, onChanged }) {
  const [chosenSites, setSites] = useState(account.site_ids);
  const [chosenRights, setRights] = useState(account.grants);
  const [saved, setSaved] = useState(false);
  const { run, busy, error } = useAct();
  const change = (said) => run(async () => {
    await link().mutate("service_accounts.change", { user_id: account.id, ...said });
    setSaved(true);
    onChanged();
  });
  const submit = (event) => {
    event.preventDefault();
    setSaved(false);
    change({ display_name: new FormData(event.currentTarget).get("display_name"), site_ids: chosenSites, permissions: chosenRights });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <p className="code caption">{account.username}</p>
      <Refusal message={messageOf(error, ["display_name"])} />
      <Field label={t("accounts.purpose")} name="display_name" autoComplete="off" required maxLength={120} defaultValue={account.display_name} error={faultOf(error, "display_name")} />
      <SiteChoice role="service" sites={sites} chosen={chosenSites} onChoose={setSites} />
      <RightsBoxes rights={rights} chosen={chosenRights} onChoose={setRights} />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
        <button type="button" className="button" disabled={busy} onClick={() => change({ is_active: !account.is_active })}>{t(account.is_active ? "users.deactivate" : "users.activate")}</button>
        {saved && <span className="caption" role="status">{t("form.saved")}</span>}
      </div>
    </form>
  );
}

function AccountForm({ sites, rights, onClose, onDone }) {
  const [chosenSites, setSites] = useState([]);
  const [chosenRights, setRights] = useState([]);
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      const input = { username: form.get("username"), display_name: form.get("display_name"), site_ids: chosenSites, permissions: chosenRights };
      onDone((await link().mutate("service_accounts.create", input)).account.id);
    });
  };
  return (
    <Sheet title={t("accounts.create")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["username", "display_name"])} />
        <Field label={t("accounts.purpose")} name="display_name" autoComplete="off" required maxLength={120} autoFocus error={faultOf(error, "display_name")} />
        <Field label={t("login.username")} name="username" autoComplete="off" autoCapitalize="none" spellCheck="false" required maxLength={80}
          hint={t("users.username_hint")} error={faultOf(error, "username")} />
        <SiteChoice role="service" sites={sites} chosen={chosenSites} onChoose={setSites} />
        <RightsBoxes rights={rights} chosen={chosenRights} onChoose={setRights} />
        <button type="submit" className="button button-primary" disabled={busy}>{t("accounts.create")}</button>
      </form>
    </Sheet>
  );
}

function Keys({ account, onChanged }) {
  const now = useNow();
  const [made, setMade] = useState(null);
  const { run, busy, error } = useAct();
  const change = (path, input, then) => run(async () => {
    const answer = await link().mutate(path, input);
    if (answer.shown_once) setMade(answer.shown_once);
    then?.();
    onChanged();
  });
  const create = (event) => {
    event.preventDefault();
    const filled = event.currentTarget;
    const form = new FormData(filled);
    const days = form.get("days");
    const input = { user_id: account.account.id, name: form.get("name"), days: days ? Number(days) : null };
    change("service_accounts.create_key", input, () => filled.reset());
  };
  const ended = (key) => key.revoked_at || (key.expires_at && now !== null && key.expires_at <= now);
  return (
    <section className="stack">
      <h3>{t("accounts.keys")}</h3>
      {made && <ShownOnce title={t("keys.shown_once")} text={t("accounts.key_hint")} value={made} onDone={() => setMade(null)} />}
      <ActError error={error} />
      <ul className="sessions">
        {account.keys.map((key) => (
          <li key={key.id}>
            <div>
              <span className="strong">{key.name}</span> <span className="code caption">{key.hint}</span>
              <div className="caption">
                {key.revoked_at ? t("keys.revoked") : key.expires_at ? <>{t("accounts.until")} <Day at={key.expires_at} /></> : t("accounts.no_end")}
                {", "}{key.last_used_at ? <>{t("sessions.used")} <Moment at={key.last_used_at} /></> : t("accounts.unused")}
              </div>
            </div>
            {!ended(key) && (
              <span className="note-actions">
                <button type="button" className="button button-small" disabled={busy} onClick={() => change("service_accounts.rotate_key", { key_id: key.id })}>{t("accounts.rotate")}</button>
                <button type="button" className="button button-small" disabled={busy} onClick={() => change("service_accounts.revoke_key", { key_id: key.id })}>{t("keys.revoke")}</button>
              </span>
            )}
          </li>
        ))}
      </ul>
      <form className="inline-form" onSubmit={create}>
        <Field label={t("accounts.key_name")} name="name" required maxLength={120} autoComplete="off" />
        <Field label={t("accounts.life")} name="days" as="select" defaultValue="365">
          {DAYS.map((days) => <option key={days} value={days}>{t("accounts.days", { days: days || "0" })}</option>)}
        </Field>
        <button type="submit" className="button" disabled={busy}>{t("keys.create")}</button>
      </form>
    </section>
  );
}

function Remove({ account, onDone }) {
  const [typed, setTyped] = useState("");
  const { run, busy, error } = useAct();
  const remove = (event) => {
    event.preventDefault();
    run(async () => {
      await link().mutate("service_accounts.delete", { user_id: account.id });
      onDone();
    });
  };
  return (
    <form className="stack" onSubmit={remove}>
      <h3>{t("users.end")}</h3>
      <ActError error={error} />
      <Field label={t("users.delete_type", { username: account.username })} value={typed} autoComplete="off" autoCapitalize="none" spellCheck="false"
        onChange={(event) => setTyped(event.target.value)} />
      <div className="note-actions">
        <button type="submit" className="button" disabled={busy || typed.trim() !== account.username}>{t("users.delete_for_good")}</button>
      </div>
    </form>
  );
}
