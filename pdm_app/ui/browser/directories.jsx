/* The company's own directories: what is set, whether each answers, and who somebody would be here. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Field, messageOf, Refusal } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";

const EXAMPLE = `[[auth.oidc]]
id = "corp"
name = "Corporate"
issuer = "https://login.example/realms/plant"
client_id = "pdm"
rules = [
  { group = "pdm-admins", role = "admin" },
  { group = "maintenance", role = "technician", site_ids = ["*"] },
]

[[auth.ldap]]
id = "ad"
name = "Windows account"
url = "ldaps://dc1.plant.example"
bind_dn = "CN=pdm,OU=Services,DC=plant,DC=example"
base_dn = "OU=People,DC=plant,DC=example"
username_attributes = ["sAMAccountName", "userPrincipalName"]
id_attribute = "objectGUID"
name_attribute = "displayName"
group_base_dn = "OU=Groups,DC=plant,DC=example"
nested_groups = "chain"
rules = [{ group = "Operators", role = "operator", site_ids = ["*"] }]
`;

export const Directories = guarded(function Directories() {
  const { answer, error, again } = useQuery("directories.list");
  const { answer: me } = useQuery("auth.me");
  if (error && !answer) return <section className="card"><ErrorNote what={t("directories.failed")} error={error} again={again} /></section>;
  if (!answer) return <Skeleton height={160} />;
  return (
    <>
      {answer.map((view) => <DirectoryCard key={view.id} view={view} sites={me?.sites ?? []} onChanged={again} />)}
      {answer.length === 0 && (
        <section className="card"><EmptyNote title={t("directories.empty")} text={t("directories.empty_hint")} /></section>
      )}
      <section className="card">
        <details open={answer.length === 0}>
          <summary>{t("directories.how")}</summary>
          <p className="muted">{t("directories.how_hint")}</p>
          <pre className="code directories-example" tabIndex={0}>{EXAMPLE}</pre>
        </details>
      </section>
    </>
  );
});

function DirectoryCard({ view, sites, onChanged }) {
  const [trial, setTrial] = useState(null);
  return (
    <section className="card directory" aria-label={view.name}>
      <header className="card-head">
        <h2>{view.name}</h2>
        <span className="chip">{t("directories.kind", { kind: view.kind })}</span>
        <Check view={view} />
      </header>
      <Facts view={view} />
      <SecretForm view={view} onChanged={onChanged} />
      <Rules view={view} sites={sites} fits={trial?.rule ?? null} />
      {view.kind === "ldap" && <TryForm view={view} sites={sites} trial={trial} onTried={setTrial} />}
    </section>
  );
}

function Facts({ view }) {
  const origin = globalThis.location?.origin ?? "";
  const facts = [
    ["directories.place", view.place],
    ["directories.account", view.account || t("directories.nobody")],
    ...(view.kind === "oidc" ? [["directories.callback", origin + view.callback_path], ["directories.logout", origin + view.logout_path]] : []),
  ];
  return (
    <>
      <dl className="facts directory-facts">
        {facts.map(([key, value]) => <div key={key}><dt>{t(key)}</dt><dd className="code">{value}</dd></div>)}
      </dl>
      <ul className="directory-ways">
        <li>{t(view.create_people ? "directories.makes" : "directories.makes_not")}</li>
        {view.link_by_email && <li>{t("directories.links")}</li>}
        <li>{t(view.trusts_mfa ? "directories.trusts_mfa" : "directories.asks_mfa")}</li>
        <li>{t("directories.people", { count: view.people })}</li>
      </ul>
    </>
  );
}

function Check({ view }) {
  const [told, setTold] = useState(null);
  const { run, busy, error } = useAct();
  const check = () => run(async () => setTold(await link().query("directories.check", { directory_id: view.id })));
  return (
    <>
      <button type="button" className="button push" disabled={busy} onClick={check}>{t(busy ? "directories.checking" : "directories.check")}</button>
      <div className="directory-check">
        <ActError error={error} />
        {told && (
          <div className={told.is_good ? "note" : "note note-error"} role={told.is_good ? "status" : "alert"}>
            <p className="note-title">{t(told.is_good ? "directories.good" : "directories.bad")}</p>
            {told.problem && <p className="note-text">{told.problem}</p>}
            {told.told.length > 0 && <ul className="note-text">{told.told.map((line) => <li key={line}>{line}</li>)}</ul>}
          </div>
        )}
      </div>
    </>
  );
}

function SecretForm({ view, onChanged }) {
  const [isOpen, setOpen] = useState(false);
  const { run, busy, error } = useAct();
  const change = (path, input) => run(async () => {
    await link().mutate(path, { directory_id: view.id, ...input });
    setOpen(false);
    onChanged();
  });
  const submit = (event) => {
    event.preventDefault();
    change("directories.put_secret", { secret: new FormData(event.currentTarget).get("secret") });
  };
  const label = t("directories.secret", { kind: view.kind });
  return (
    <form className="inline-form directory-secret" onSubmit={submit}>
      <Refusal message={messageOf(error)} />
      {isOpen ? (
        <>
          <Field label={label} name="secret" type="password" autoComplete="off" required maxLength={2048} autoFocus />
          <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
          <button type="button" className="button" onClick={() => setOpen(false)}>{t("action.cancel")}</button>
        </>
      ) : (
        <>
          <span><strong>{label}</strong> <span className="muted">{t(view.is_ready ? "directories.kept" : "directories.not_kept")}</span></span>
          <button type="button" className="button button-small" onClick={() => setOpen(true)}>{t(view.is_ready ? "directories.replace" : "directories.enter")}</button>
          {view.is_ready && (
            <button type="button" className="button button-small" disabled={busy} onClick={() => change("directories.remove_secret", {})}>{t("directories.remove")}</button>
          )}
        </>
      )}
    </form>
  );
}

function Rules({ view, sites, fits }) {
  if (view.rules.length === 0) return <p className="note note-error" role="alert">{t("directories.no_rules")}</p>;
  return (
    <>
      <h3>{t("directories.rules")}</h3>
      <p className="caption">{t("directories.rules_hint")}</p>
      <table className="table people-table directory-rules">
        <thead><tr><th>{t("directories.number")}</th><th>{t("directories.group")}</th><th>{t("login.role")}</th><th>{t("users.sites")}</th></tr></thead>
        <tbody>
          {view.rules.map((rule, place) => (
            <tr key={place} data-fits={fits === place}>
              <td>{place + 1}</td>
              <td data-label={t("directories.group")} className="code">{rule.group === "*" ? t("directories.anybody") : rule.group}</td>
              <td data-label={t("login.role")}>{t("shell.role", { role: rule.role })}</td>
              <td data-label={t("users.sites")}>{sitesOf(rule.role, rule.site_ids, sites)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function TryForm({ view, sites, trial, onTried }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const username = new FormData(event.currentTarget).get("username");
    run(async () => onTried(await link().query("directories.try_person", { directory_id: view.id, username })));
  };
  return (
    <>
      <h3>{t("directories.try")}</h3>
      <p className="caption">{t("directories.try_hint")}</p>
      <form className="inline-form" onSubmit={submit}>
        <Field label={t("login.username")} name="username" autoComplete="off" autoCapitalize="none" spellCheck="false" required maxLength={256} />
        <button type="submit" className="button" disabled={busy}>{t("directories.look_up")}</button>
      </form>
      <ActError error={error} />
      {trial && <Trial trial={trial} sites={sites} />}
    </>
  );
}

function Trial({ trial, sites }) {
  if (trial.problem) return <p className="note note-error" role="alert">{t("directories.bad")} {trial.problem}</p>;
  if (!trial.is_found) return <p className="note" role="status">{t("directories.not_found")}</p>;
  return (
    <div className="note directory-trial" role="status">
      <p className="note-title">{trial.display_name} <span className="code">{trial.dn}</span></p>
      <p>
        {trial.role
          ? t("directories.would_be", { role: trial.role, sites: sitesOf(trial.role, trial.site_ids, sites), number: trial.rule + 1 })
          : t("directories.would_not_enter")}
        {" "}{trial.account ? t("directories.has_account", { username: trial.account }) : t("directories.has_none")}
      </p>
      <p className="caption">{t("directories.groups", { count: trial.groups.length })}</p>
      <ul className="code caption">{trial.groups.map((group) => <li key={group}>{group}</li>)}</ul>
    </div>
  );
}

function sitesOf(role, ids, sites) {
  if (role === "admin" || ids.includes("*")) return t("users.all_sites");
  const names = ids.map((id) => sites.find((site) => site.id === id)?.name ?? id);
  return names.length ? names.join(", ") : t("users.no_sites");
}
