/* One person at the side of the list: name, role, sites, own rights; links, second factor, sessions, and the end. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Moment } from "./parts.jsx";
import { LinkMade, ROLES } from "./person_new.jsx";
import { PersonDirectories } from "./person_directories.jsx";
import { RightsChoice, SiteChoice } from "./person_parts.jsx";
import { SessionList } from "./session_list.jsx";

export function PersonSheet({ view, sites, rights, roleRights, ownId, onClose, onChanged }) {
  const [made, setMade] = useState(null);
  const isOwn = view.user.id === ownId;
  return (
    <Sheet title={view.user.display_name} onClose={onClose} side>
      {made && <LinkMade made={made} onDone={() => setMade(null)} />}
      <Facts view={view} sites={sites} rights={rights} roleRights={roleRights} onChanged={onChanged} />
      <Effective userId={view.user.id} key={`${view.user.role} ${view.user.custom_role_id} ${view.user.grants} ${view.user.denials}`} />
      <Access view={view} onMade={setMade} onChanged={onChanged} />
      <PersonDirectories userId={view.user.id} />
      <Sessions userId={view.user.id} />
      {!isOwn && <TheEnd view={view} onChanged={onChanged} onClose={onClose} />}
    </Sheet>
  );
}

function Facts({ view, sites, rights, roleRights, onChanged }) {
  const { user } = view;
  const [role, setRole] = useState(user.custom_role_id ?? user.role);
  const { answer: table } = useQuery("roles.table");
  const custom = table?.custom ?? [];
  const madeHere = custom.find((each) => each.id === role);
  const [chosen, setChosen] = useState(user.site_ids);
  const [own, setOwn] = useState({ grants: user.grants, denials: user.denials });
  const [saved, setSaved] = useState(false);
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [display_name, reason] = [form.get("display_name"), form.get("reason")];
    setSaved(false);
    run(async () => {
      const chosenRole = madeHere ? { custom_role_id: madeHere.id } : { role };
      await link().mutate("users.change", { user_id: user.id, display_name, ...chosenRole, site_ids: chosen, reason, ...own });
      setSaved(true);
      onChanged();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <p className="code caption">{user.username}</p>
      <Refusal message={messageOf(error, ["display_name"])} />
      <Field label={t("users.display_name")} name="display_name" defaultValue={user.display_name} required maxLength={120} error={faultOf(error, "display_name")} />
      <Field label={t("login.role")} as="select" value={role} onChange={(event) => setRole(event.target.value)}>
        {ROLES.map((each) => <option key={each} value={each}>{t("shell.role", { role: each })}</option>)}
        {custom.map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
        {user.custom_role_id && !table && <option value={user.custom_role_id}>…</option>}
      </Field>
      <SiteChoice role={role} sites={sites} chosen={chosen} onChoose={setChosen} />
      <RightsChoice rights={rights} ofRole={madeHere?.permissions ?? roleRights[role] ?? []} grants={own.grants} denials={own.denials} onChoose={setOwn} />
      <Field label={t("form.reason")} name="reason" maxLength={2000} autoComplete="off" />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
        {saved && <span className="caption" role="status">{t("form.saved")}</span>}
      </div>
    </form>
  );
}

/** What somebody may do in the end, and where each right comes from. */
function Effective({ userId }) {
  const { answer, error } = useQuery("users.rights", { user_id: userId });
  const groups = Object.fromEntries((answer?.groups ?? []).map((group) => [group.id, group.name]));
  const source = (each) => (each === "role" ? t("users.from_role") : each === "own" ? t("users.from_own") : groups[each] ?? each);
  const rights = Object.entries(answer?.rights ?? {});
  return (
    <section className="stack">
      <h3>{t("users.groups")}</h3>
      <ActError error={error} />
      <p>{answer?.groups.length ? answer.groups.map((group) => group.name).join(", ") : answer && t("users.no_groups")}</p>
      {rights.length > 0 && (
        <details className="rights">
          <summary>{t("users.effective", { count: rights.length })}</summary>
          <ul className="rights-list">
            {rights.map(([right, sources]) => <li key={right}><span className="code">{right}</span> <span className="caption">{sources.map(source).join(", ")}</span></li>)}
          </ul>
        </details>
      )}
    </section>
  );
}

function Access({ view, onMade, onChanged }) {
  const { user } = view;
  const { run, busy, error } = useAct();
  const renew = () => run(async () => {
    onMade(await link().mutate("users.renew_link", { user_id: user.id }));
    onChanged();
  });
  const resetMfa = () => run(async () => {
    await link().mutate("users.reset_mfa", { user_id: user.id });
    onChanged();
  });
  return (
    <section className="stack">
      <h3>{t("users.access")}</h3>
      {view.link_expires_at && <p className="caption">{t("users.link_out")} <Moment at={view.link_expires_at} /></p>}
      {view.must_change && <p className="caption">{t("users.must_change")}</p>}
      <ActError error={error} />
      <div className="note-actions">
        <button type="button" className="button" disabled={busy || !user.is_active} onClick={renew}>
          {t(view.state === "invited" ? "users.invite_again" : "users.reset_password")}
        </button>
        {view.has_mfa && <button type="button" className="button" disabled={busy} onClick={resetMfa}>{t("users.reset_mfa")}</button>}
      </div>
    </section>
  );
}

function Sessions({ userId }) {
  const { answer, error, again } = useQuery("sessions.of_user", { user_id: userId });
  const { run, busy, error: refusal } = useAct();
  const end = () => run(async () => {
    await link().mutate("sessions.revoke_of_user", { user_id: userId });
    again();
  });
  return (
    <section className="stack">
      <h3>{t("sessions.title")}</h3>
      <ActError error={refusal ?? error} />
      <SessionList sessions={answer ?? []} />
      {answer?.some((session) => !session.is_current) && (
        <div className="note-actions"><button type="button" className="button" disabled={busy} onClick={end}>{t("sessions.end_all")}</button></div>
      )}
    </section>
  );
}

function TheEnd({ view, onChanged, onClose }) {
  const { user } = view;
  const [asks, setAsks] = useState(false);
  const [typed, setTyped] = useState("");
  const { run, busy, error } = useAct();
  const activate = (is_active) => run(async () => {
    await link().mutate("users.change", { user_id: user.id, is_active });
    onChanged();
  });
  const remove = (event) => {
    event.preventDefault();
    run(async () => {
      await link().mutate("users.delete", { user_id: user.id });
      onChanged();
      onClose();
    });
  };
  return (
    <section className="stack">
      <h3>{t("users.end")}</h3>
      <p className="muted">{t("users.end_hint")}</p>
      <ActError error={error} />
      <div className="note-actions">
        <button type="button" className="button" disabled={busy} onClick={() => activate(!user.is_active)}>
          {t(user.is_active ? "users.deactivate" : "users.activate")}
        </button>
        {!asks && <button type="button" className="button" disabled={busy} onClick={() => setAsks(true)}>{t("users.delete")}</button>}
      </div>
      {asks && (
        <form className="entrance-form" onSubmit={remove}>
          <Field label={t("users.delete_type", { username: user.username })} value={typed} autoComplete="off" autoCapitalize="none" spellCheck="false"
            autoFocus onChange={(event) => setTyped(event.target.value)} />
          <div className="note-actions">
            <button type="submit" className="button button-primary" disabled={busy || typed.trim() !== user.username}>{t("users.delete_for_good")}</button>
            <button type="button" className="button" onClick={() => setAsks(false)}>{t("action.cancel")}</button>
          </div>
        </form>
      )}
    </section>
  );
}
