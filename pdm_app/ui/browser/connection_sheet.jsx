/* Adding, changing, trying and deleting a connection; its options are those that its driver names. */
import { useRef, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { OptionFields } from "./connection_options.jsx";
import { Check, Field, Refusal, Sheet, faultOf, messageOf } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { codeOf, link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Go, Skeleton } from "./parts.jsx";
import { changesOf } from "./plant_edit.js";

const NEW = { site_id: "", name: "", driver: "opcua", endpoint: "", options: {}, enabled: true };
const FIELDS = ["site_id", "name", "driver", "endpoint"];
const SIGN_IN = ["opcua", "mqtt"]; // The other protocols know no users.

/** `connection` null adds one. `onDone` is told when something was stored, `onDeleted` the connection that is gone. */
export function ConnectionSheet({ connection = null, onClose, onDone, onDeleted }) {
  const { answer: drivers, error, again } = useQuery("connections.drivers");
  const { answer: me } = useQuery("auth.me");
  const { answer: login } = useQuery("connections.login", connection && SIGN_IN.includes(connection.driver) ? { connection_id: connection.id } : null);
  return (
    <Sheet title={connection ? connection.name : t("connections.add")} onClose={onClose} side>
      {error && !drivers && <ErrorNote what={t("connections.failed")} error={error} again={again} />}
      {!error && !(drivers && me) && <Skeleton height={240} />}
      {drivers && me && (
        <Form connection={connection} drivers={drivers} sites={me.sites ?? []} username={login?.username ?? ""} onDone={onDone} onDeleted={onDeleted} />
      )}
    </Sheet>
  );
}

function Form({ connection, drivers, sites, username, onDone, onDeleted }) {
  const [typed, setTyped] = useState(() => factsOf(connection) ?? { ...NEW, site_id: sites[0]?.id ?? "" });
  const [user, setUser] = useState(null); // null until somebody types: the stored one stays.
  const [password, setPassword] = useState("");
  const [sure, setSure] = useState(false);
  const made = useRef(null); // Its login may be refused after it was made; the next save must not make a second one.
  const saving = useAct();
  const deleting = useAct();
  const driver = drivers.find((each) => each.name === typed.driver);
  const set = (field) => (event) => setTyped((before) => ({ ...before, [field]: event.target.value }));
  const given = user !== null && user && password ? { username: user, password } : null;
  const save = (event) => {
    event.preventDefault();
    saving.run(async () => {
      const before = connection ?? made.current;
      if (!before) made.current = await link().mutate("connections.create", typed);
      const id = before ? await change(before, typed) : made.current.id;
      if (given) await link().mutate("connections.put_login", { connection_id: id, ...given });
      else if (user === "" && username) await link().mutate("connections.remove_login", { connection_id: id });
      onDone();
    });
  };
  const remove = () => deleting.run(async () => {
    await link().mutate("connections.delete", { connection_id: connection.id });
    onDeleted(connection);
  });
  return (
    <form className="entrance-form" onSubmit={save}>
      <Refusal message={messageOf(saving.error, FIELDS)} />
      {!connection && sites.length > 1 && (
        <Field label={t("connections.site")} as="select" value={typed.site_id} onChange={set("site_id")} error={faultOf(saving.error, "site_id")}>
          {sites.map((site) => <option key={site.id} value={site.id}>{site.name}</option>)}
        </Field>
      )}
      <Field label={t("connections.name")} value={typed.name} onChange={set("name")} required maxLength={120} autoComplete="off" error={faultOf(saving.error, "name")} />
      <Field label={t("connections.protocol")} as="select" value={typed.driver} onChange={(event) => setTyped((before) => ({ ...before, driver: event.target.value, options: {} }))} error={faultOf(saving.error, "driver")}>
        {drivers.map((each) => <option key={each.name} value={each.name}>{t("connections.driver", { driver: each.name })}</option>)}
      </Field>
      <Field label={t("connections.endpoint")} value={typed.endpoint} onChange={set("endpoint")} required maxLength={255} autoComplete="off" spellCheck="false" className="input code"
        placeholder={driver?.example} error={faultOf(saving.error, "endpoint")} />
      {SIGN_IN.includes(typed.driver) && (
        <>
          <Field label={t("login.username")} value={user ?? username} onChange={(event) => setUser(event.target.value)} maxLength={1024} autoComplete="off" autoCapitalize="none" spellCheck="false" hint={t("connections.login_hint")} />
          {user && <Field label={t("login.password")} type="password" value={password} onChange={(event) => setPassword(event.target.value)} required maxLength={1024} autoComplete="new-password" />}
        </>
      )}
      {driver && <OptionFields key={driver.name} schema={driver.options} options={typed.options} error={saving.error} onChange={(options) => setTyped((before) => ({ ...before, options }))} />}
      <Check label={t("connections.enabled")} checked={typed.enabled} onChange={(event) => setTyped((before) => ({ ...before, enabled: event.target.checked }))} />
      <Trial typed={typed} connection={connection} given={given} />
      <Refusal message={messageOf(deleting.error)} />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={saving.busy}>{t("action.save")}</button>
        {connection && <button type="button" className="button" disabled={deleting.busy} onClick={sure ? remove : () => setSure(true)}>{t(sure ? "connections.delete_sure" : "action.delete")}</button>}
      </div>
    </form>
  );
}

/** One attempt with what is typed, and what came of it in words. */
function Trial({ typed, connection, given }) {
  const [outcome, setOutcome] = useState(null);
  const { run, busy, error } = useAct();
  const attempt = () => {
    setOutcome(null);
    run(async () => {
      const facts = { ...typed, name: typed.name || typed.endpoint };
      setOutcome(await link().mutate("connections.try_out", { facts, connection_id: connection?.id ?? null, ...given }));
    });
  };
  const security = outcome?.security;
  const how = [security?.protocol, security?.policy, security?.mode].filter(Boolean).join(", ");
  return (
    <section className="stack" aria-live="polite">
      <div className="note-actions">
        <button type="button" className="button" disabled={busy || !typed.endpoint} onClick={attempt}>{t(busy ? "connections.trying" : "connections.try")}</button>
      </div>
      <Refusal message={error && (error.data?.issues?.map((issue) => `${(issue.loc ?? []).join(".")}: ${issue.msg}`).join("; ") || messageOf(error))} />
      {outcome?.reached && (
        <p className="note" data-compact="true">
          {t("connections.reached", { took: Math.round(outcome.took_ms) })} {security?.encrypted || security?.signed ? t("connections.protection", { how, subject: security.peer_subject, fingerprint: security.peer }) : t("connections.not_encrypted")}
        </p>
      )}
      {outcome && !outcome.reached && (
        <p className="note note-error" data-compact="true">
          {outcome.message}
          {outcome.refused && connection && <> <Go to={`/settings/trust?certificate=${encodeURIComponent(outcome.refused)}`}>{t("connections.decide")}</Go></>}
        </p>
      )}
    </section>
  );
}

function factsOf(connection) {
  if (!connection) return null;
  const { site_id, name, driver, endpoint, options, enabled } = connection;
  return { site_id, name, driver, endpoint, options, enabled };
}

/** Send what differs; a conflict is said, and the next save is made on what is there by then. */
async function change(connection, typed) {
  const changes = changesOf(factsOf(connection), typed);
  if (Object.keys(changes).length > 0) {
    try {
      await link().mutate("connections.change", { connection_id: connection.id, revision: connection.revision, ...changes });
    } catch (refused) {
      if (codeOf(refused) === "CONFLICT" && refused.data?.facts?.revision) connection.revision = refused.data.facts.revision;
      throw refused;
    }
  }
  return connection.id;
}
