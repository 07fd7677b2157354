/* Which role may do what: built-in roles as they are, roles made here to change; nothing is kept before it was looked over. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";

const wordsOf = (right) => t(`permissions.of.${right.replaceAll(".", "_")}`);

export const PermissionMatrix = guarded(function PermissionMatrix({ mayChange = false, ownRole = "" }) {
  const { answer, error, again } = useQuery("roles.table");
  const [drafts, setDrafts] = useState({}); // role id → rights
  const [search, setSearch] = useState("");
  const [open, setOpen] = useState(null); // "new", "review" or the id of a role
  if (error && !answer) return <section className="card"><ErrorNote what={t("permissions.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={320} /></section>;
  const wanted = search.trim().toLowerCase();
  const rows = answer.permissions.filter((right) => !wanted || `${right} ${wordsOf(right)}`.toLowerCase().includes(wanted));
  const rightsOf = (role) => drafts[role.id] ?? role.permissions;
  const changes = answer.custom.map((role) => changeOf(role, rightsOf(role))).filter(Boolean);
  const toggle = (role, right) => setDrafts((before) => {
    const rights = before[role.id] ?? role.permissions;
    return { ...before, [role.id]: rights.includes(right) ? rights.filter((each) => each !== right) : [...rights, right] };
  });
  const read = () => { setDrafts({}); again(); };
  return (
    <section className="card">
      <header className="card-head matrix-head">
        <input type="search" className="input" placeholder={t("permissions.search")} aria-label={t("permissions.search")} value={search} onChange={(event) => setSearch(event.target.value)} />
        {mayChange && (
          <span className="push note-actions">
            {changes.length > 0 && <button type="button" className="button" onClick={() => setDrafts({})}>{t("permissions.discard")}</button>}
            {changes.length > 0 && <button type="button" className="button button-primary" onClick={() => setOpen("review")}>{t("permissions.review", { count: changes.length })}</button>}
            <button type="button" className="button" onClick={() => setOpen("new")}>{t("permissions.new_role")}</button>
          </span>
        )}
      </header>
      <div className="table-scroll matrix-scroll" tabIndex={0} role="region" aria-label={t("permissions.title")}>
        <table className="table matrix">
          <thead>
            <tr>
              <th scope="col">{t("permissions.right")}</th>
              {answer.built_in.map(({ role }) => (
                <th key={role} scope="col" className="center">{t("shell.role", { role })}{ownRole === role && <span className="muted"> {t("permissions.you")}</span>}</th>
              ))}
              {answer.custom.map((role) => (
                <th key={role.id} scope="col" className="center">
                  {mayChange ? <button type="button" className="link" onClick={() => setOpen(role.id)}>{role.name}</button> : role.name}
                  <div className="caption">{t("permissions.based_on", { role: role.based_on })}</div>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((right) => (
              <tr key={right}>
                <th scope="row">{wordsOf(right)}<div className="muted"><code>{right}</code></div></th>
                {answer.built_in.map(({ role, permissions }) => <Mark key={role} has={permissions.includes(right)} />)}
                {answer.custom.map((role) => mayChange ? (
                  <td key={role.id} className="center" data-changed={rightsOf(role).includes(right) !== role.permissions.includes(right)}>
                    <input type="checkbox" className="checkbox" checked={rightsOf(role).includes(right)} disabled={answer.of_admins.includes(right)}
                      aria-label={`${role.name}: ${wordsOf(right)}`} onChange={() => toggle(role, right)} />
                  </td>
                ) : <Mark key={role.id} has={role.permissions.includes(right)} />)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p className="muted">{t("permissions.none_found")}</p>}
      {open === "new" && <NewRole roles={answer.built_in} onClose={() => setOpen(null)} onDone={read} />}
      {open === "review" && <Review changes={changes} onClose={() => setOpen(null)} onDone={read} />}
      {answer.custom.filter((role) => role.id === open).map((role) => <RoleSheet key={role.id} role={role} onClose={() => setOpen(null)} onDone={read} />)}
    </section>
  );
});

/** What a draft adds to a role and takes from it; null where it changes nothing. */
export function changeOf(role, rights) {
  const added = rights.filter((right) => !role.permissions.includes(right)).sort();
  const removed = role.permissions.filter((right) => !rights.includes(right)).sort();
  return added.length || removed.length ? { role, rights, added, removed } : null;
}

function Mark({ has }) {
  return (
    <td className="center">
      {has && <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M3 8.5L6.5 12L13 4.5" fill="none" stroke="currentColor" strokeWidth="1.75" /></svg>}
      <span className="visually-hidden">{t(has ? "permissions.yes" : "permissions.no")}</span>
    </td>
  );
}

function NewRole({ roles, onClose, onDone }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      await link().mutate("roles.create", { name: form.get("name"), based_on: form.get("based_on") });
      onDone();
      onClose();
    });
  };
  return (
    <Sheet title={t("permissions.new_role")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["name"])} />
        <Field label={t("users.name")} name="name" required maxLength={120} autoComplete="off" autoFocus error={faultOf(error, "name")} />
        <Field label={t("permissions.copy_of")} name="based_on" as="select" defaultValue="operator" hint={t("permissions.copy_hint")}>
          {roles.filter((each) => each.can_be_copied).map(({ role }) => <option key={role} value={role}>{t("shell.role", { role })}</option>)}
        </Field>
        <button type="submit" className="button button-primary" disabled={busy}>{t("permissions.new_role")}</button>
      </form>
    </Sheet>
  );
}

function Review({ changes, onClose, onDone }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const reason = new FormData(event.currentTarget).get("reason");
    run(async () => {
      for (const { role, rights } of changes) {
        await link().mutate("roles.change", { role_id: role.id, permissions: rights, revision: role.revision, reason });
      }
      onDone();
      onClose();
    });
  };
  return (
    <Sheet title={t("permissions.review", { count: changes.length })} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        {changes.map(({ role, added, removed }) => (
          <section key={role.id}>
            <h3>{role.name}</h3>
            <ul className="changes">
              {added.map((right) => <li key={right}><ins>+ {wordsOf(right)}</ins></li>)}
              {removed.map((right) => <li key={right}><s>− {wordsOf(right)}</s></li>)}
            </ul>
          </section>
        ))}
        <p className="caption">{t("permissions.at_once")}</p>
        <Refusal message={messageOf(error)} />
        <Field label={t("form.reason")} name="reason" required maxLength={2000} autoComplete="off" autoFocus />
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
      </form>
    </Sheet>
  );
}

function RoleSheet({ role, onClose, onDone }) {
  const { run, busy, error } = useAct();
  const act = (work) => run(async () => { await work(); onDone(); onClose(); });
  const rename = (event) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name");
    act(() => link().mutate("roles.change", { role_id: role.id, name, revision: role.revision }));
  };
  return (
    <Sheet title={role.name} onClose={onClose}>
      <form className="entrance-form" onSubmit={rename}>
        <Refusal message={messageOf(error, ["name"])} />
        <Field label={t("users.name")} name="name" required maxLength={120} autoComplete="off" defaultValue={role.name} error={faultOf(error, "name")} />
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
          <button type="button" className="button" disabled={busy} onClick={() => act(() => link().mutate("roles.delete", { role_id: role.id }))}>{t("permissions.delete_role")}</button>
        </div>
        <p className="caption">{t("permissions.delete_hint")}</p>
      </form>
    </Sheet>
  );
}
