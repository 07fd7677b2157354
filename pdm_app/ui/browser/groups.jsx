/* Groups of people: what each gives to its members, who they are, and the end of a group with a way back. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote } from "./parts.jsx";
import { RightsBoxes, SiteChoice } from "./person_parts.jsx";

const NEW = { id: null, name: "", description: "", site_ids: [], permissions: [], member_ids: [] };
const FIELDS = ["name", "description"];

export const Groups = guarded(function Groups({ rights = [] }) {
  const [withDeleted, setWithDeleted] = useState(false);
  const { answer, error, again } = useQuery("groups.list", { with_deleted: withDeleted });
  const { answer: people } = useQuery("users.list", {});
  const { answer: me } = useQuery("auth.me");
  const [open, setOpen] = useState(null); // a group, or NEW
  const { run, busy, error: refusal } = useAct();
  const sites = me?.sites ?? [];
  const restore = (group) => run(async () => { await link().mutate("groups.restore", { group_id: group.id }); again(); });
  if (error && !answer) return <section className="card"><ErrorNote what={t("groups.failed")} error={error} again={again} /></section>;
  return (
    <section className="card people" id="groups">
      <header className="card-head">
        <h2>{t("groups.title")}</h2>
        <label className="check-line push">
          <input type="checkbox" className="checkbox" checked={withDeleted} onChange={(event) => setWithDeleted(event.target.checked)} />
          <span className="caption">{t("groups.with_deleted")}</span>
        </label>
        <button type="button" className="button" onClick={() => setOpen(NEW)}>{t("groups.create")}</button>
      </header>
      <ActError error={refusal} />
      {answer?.length === 0 && <EmptyNote title={t("groups.empty")} text={t("groups.empty_hint")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("users.name")}</th><th>{t("groups.members")}</th><th>{t("users.sites")}</th><th>{t("accounts.rights")}</th></tr></thead>
          <tbody>
            {answer.map((group) => (
              <tr key={group.id} data-state={group.deleted_at ? "deleted" : "active"}>
                <td>
                  {group.deleted_at ? group.name : <button type="button" className="link" onClick={() => setOpen(group)}>{group.name}</button>}
                  <div className="caption">{group.description}</div>
                  {group.deleted_at && <button type="button" className="button button-small" disabled={busy} onClick={() => restore(group)}>{t("groups.restore")}</button>}
                </td>
                <td data-label={t("groups.members")}>{t("groups.member_count", { count: group.member_ids.length })}</td>
                <td data-label={t("users.sites")}>{group.site_ids.map((id) => sites.find((site) => site.id === id)?.name ?? id).join(", ") || "–"}</td>
                <td data-label={t("accounts.rights")} className="code caption">{group.permissions.join(", ") || "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && <GroupSheet key={open.id ?? "new"} group={open} people={people ?? []} sites={sites} rights={rights} onClose={() => setOpen(null)} onChanged={again} />}
    </section>
  );
});

function GroupSheet({ group, people, sites, rights, onClose, onChanged }) {
  const [chosen, setChosen] = useState({ site_ids: group.site_ids, permissions: group.permissions, member_ids: group.member_ids });
  const { run, busy, error } = useAct();
  const choose = (field) => (value) => setChosen((before) => ({ ...before, [field]: value }));
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = { name: form.get("name"), description: form.get("description"), ...chosen };
    run(async () => {
      if (group.id) await link().mutate("groups.change", { group_id: group.id, revision: group.revision, reason: form.get("reason"), ...said });
      else await link().mutate("groups.create", said);
      onChanged();
      onClose();
    });
  };
  const remove = () => run(async () => { await link().mutate("groups.delete", { group_id: group.id }); onChanged(); onClose(); });
  return (
    <Sheet title={group.id ? group.name : t("groups.create")} onClose={onClose} side>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, FIELDS)} />
        <Field label={t("users.name")} name="name" required maxLength={120} autoComplete="off" defaultValue={group.name} autoFocus={!group.id} error={faultOf(error, "name")} />
        <Field label={t("groups.description")} name="description" maxLength={500} autoComplete="off" defaultValue={group.description} error={faultOf(error, "description")} />
        <Members people={people} chosen={chosen.member_ids} onChoose={choose("member_ids")} />
        <SiteChoice role="group" sites={sites} chosen={chosen.site_ids} onChoose={choose("site_ids")} />
        <RightsBoxes rights={rights} chosen={chosen.permissions} onChoose={choose("permissions")} />
        {group.id && <Field label={t("form.reason")} name="reason" maxLength={2000} autoComplete="off" />}
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
          {group.id && <button type="button" className="button" disabled={busy} onClick={remove}>{t("groups.delete")}</button>}
        </div>
        {group.id && <p className="caption">{t("groups.delete_hint")}</p>}
      </form>
    </Sheet>
  );
}

function Members({ people, chosen, onChoose }) {
  const [words, setWords] = useState("");
  const wanted = words.trim().toLowerCase();
  const shown = people.filter(({ user }) => !wanted || `${user.username} ${user.display_name}`.toLowerCase().includes(wanted));
  const toggle = (id) => onChoose(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  return (
    <fieldset className="choice-list">
      <legend className="field-label">{t("groups.members")} ({chosen.length})</legend>
      <input type="search" className="input" placeholder={t("groups.search")} aria-label={t("groups.search")} value={words} onChange={(event) => setWords(event.target.value)} />
      <div className="choice-box">
        {shown.map(({ user }) => (
          <Check key={user.id} label={<>{user.display_name} <span className="code caption">{user.username}</span></>} checked={chosen.includes(user.id)} onChange={() => toggle(user.id)} />
        ))}
      </div>
    </fieldset>
  );
}
