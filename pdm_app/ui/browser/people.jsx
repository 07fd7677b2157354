/* Everybody who signs in: who they are, how far their sign-in is set up, and what an admin can do about it. */
import { useState } from "react";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { InviteSheet } from "./person_new.jsx";
import { PersonSheet } from "./person_sheet.jsx";

export const People = guarded(function People({ rights = [], roleRights = {} }) {
  const [withDeleted, setWithDeleted] = useState(false);
  const { answer, error, again } = useQuery("users.list", { with_deleted: withDeleted });
  const { answer: me } = useQuery("auth.me");
  const [open, setOpen] = useState(null); // "new" or the id of a person
  const sites = me?.sites ?? [];
  if (error && !answer) return <section className="card"><ErrorNote what={t("users.failed")} error={error} again={again} /></section>;
  const chosen = answer?.find((view) => view.user.id === open);
  return (
    <section className="card people">
      <header className="card-head">
        <h2>{t("users.people")}</h2>
        <label className="check-line push">
          <input type="checkbox" className="checkbox" checked={withDeleted} onChange={(event) => setWithDeleted(event.target.checked)} />
          <span className="caption">{t("users.with_deleted")}</span>
        </label>
        <button type="button" className="button button-primary" onClick={() => setOpen("new")}>{t("users.invite")}</button>
      </header>
      {!answer && <Skeleton height={160} />}
      {answer?.length === 0 && <EmptyNote title={t("users.empty")} text={t("users.empty_hint")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead>
            <tr>
              <th>{t("users.name")}</th>
              <th>{t("login.role")}</th>
              <th>{t("users.sites")}</th>
              <th>{t("users.state")}</th>
              <th>{t("users.mfa")}</th>
              <th>{t("users.seen")}</th>
            </tr>
          </thead>
          <tbody>{answer.map((view) => <Person key={view.user.id} view={view} sites={sites} onOpen={() => setOpen(view.user.id)} />)}</tbody>
        </table>
      )}
      {open === "new" && <InviteSheet sites={sites} onClose={() => setOpen(null)} onDone={again} />}
      {chosen && (
        <PersonSheet key={chosen.user.id} view={chosen} sites={sites} rights={rights} roleRights={roleRights} ownId={me?.user_id}
          onClose={() => setOpen(null)} onChanged={again} />
      )}
    </section>
  );
});

function Person({ view, sites, onOpen }) {
  const { user } = view;
  return (
    <tr data-state={view.state}>
      <td>
        <button type="button" className="link" onClick={onOpen} disabled={view.state === "deleted"}>{user.display_name}</button>
        <div className="code caption">{user.username}</div>
      </td>
      <td data-label={t("login.role")}>{t("shell.role", { role: user.role })}</td>
      <td data-label={t("users.sites")}>{sitesOf(user, sites)}</td>
      <td data-label={t("users.state")}>
        <span className="chip" data-state={view.state}>{t("users.state_of", { state: view.state })}</span>
      </td>
      <td data-label={t("users.mfa")}>{t(view.has_mfa ? "users.mfa_on" : "users.mfa_off")}</td>
      <td data-label={t("users.seen")}>{view.seen_at ? <Moment at={view.seen_at} /> : t("users.never")}</td>
    </tr>
  );
}

/** Names of the sites somebody belongs to. */
export function sitesOf(user, sites) {
  if (user.role === "admin") return t("users.all_sites");
  const names = user.site_ids.map((id) => sites.find((site) => site.id === id)?.name ?? id);
  return names.length ? names.join(", ") : t("users.no_sites");
}
