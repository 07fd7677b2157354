/* Groups of devices: named one by one or found by a filter, and why each device is in it or not. */
import { useEffect, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { byMembership, factsOf, formOf, previewOf, turned, versionsOf } from "./device_groups.js";
import { faultBelow } from "./firmware.js";
import { Field, Refusal, Sheet, messageOf } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";

const PREVIEW_AFTER_MS = 400;
const ROWS_MAX = 300;
const CLIENTS = ["swupdate", "rauc", "agent", "unknown"];
const FIELDS = "code name model asset client hardware hardware_revision version address simulated attr.…"; // As domain/device_groups.py.
const EXAMPLE = "code ~ gw-* and version < 2.4.1";

export const DeviceGroups = guarded(function DeviceGroups({ siteId = "", rights = [] }) {
  const groups = useQuery("device_groups.list", siteId ? { site_id: siteId } : {});
  const [open, setOpen] = useState(null); // "new" or an id
  const mayChange = rights.includes("devices.configure") && Boolean(siteId);
  const chosen = groups.answer?.find(({ group }) => group.id === open);
  const done = () => { setOpen(null); groups.again(); };
  return (
    <section className="card people">
      <header className="card-head">
        <h2>{t("device_groups.list")}</h2>
        {mayChange && <button type="button" className="button button-primary push" onClick={() => setOpen("new")}>{t("device_groups.new")}</button>}
      </header>
      {groups.error && <ErrorNote what={t("device_groups.failed")} error={groups.error} again={groups.again} compact={Boolean(groups.answer)} />}
      {!groups.answer && !groups.error && <Skeleton height={120} />}
      {groups.answer?.length === 0 && <EmptyNote title={t("device_groups.none")} text={t("device_groups.none_hint")} />}
      {groups.answer?.length > 0 && <GroupTable views={groups.answer} onOpen={setOpen} />}
      {open === "new" && <NewSheet siteId={siteId} onClose={() => setOpen(null)} onDone={done} />}
      {chosen && <GroupSheet key={chosen.group.id} view={chosen} mayChange={rights.includes("devices.configure")} onClose={() => setOpen(null)} onDone={done} />}
    </section>
  );
});

function GroupTable({ views, onOpen }) {
  return (
    <table className="table people-table">
      <thead><tr><th>{t("device_groups.group")}</th><th>{t("device_groups.members_by")}</th><th>{t("device_groups.members")}</th><th>{t("device_groups.versions")}</th><th>{t("device_groups.changed")}</th></tr></thead>
      <tbody>
        {views.map(({ group, members, versions, problem }) => (
          <tr key={group.id}>
            <td><button type="button" className="link" onClick={() => onOpen(group.id)}>{group.name}</button>{group.note && <div className="caption wraps">{group.note}</div>}</td>
            <td data-label={t("device_groups.members_by")} className="wraps">{group.filter === null ? t("device_groups.by_name") : <code className="code">{group.filter}</code>}</td>
            <td data-label={t("device_groups.members")}>{problem ? <span className="chip chip-ends" title={problem}>{t("device_groups.problem")}</span> : t("campaigns.devices_count", { count: members })}</td>
            <td data-label={t("device_groups.versions")}>{versionsOf(versions).map(({ version, count }) => <div key={version}>{t("device_groups.version_of", { version: version || t("device_groups.said_none"), count })}</div>)}</td>
            <td data-label={t("device_groups.changed")}>{group.changed_by}<div className="caption"><Moment at={group.changed_at} /></div></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NewSheet({ siteId, onClose, onDone }) {
  const { run, busy, error } = useAct();
  const save = (facts) => run(async () => { await link().mutate("device_groups.create", { facts }); onDone(); });
  return <Sheet title={t("device_groups.new")} onClose={onClose} side><GroupForm siteId={siteId} busy={busy} error={error} onSave={save} /></Sheet>;
}

/** A group as it is, who is in it and why, and the ways to change it. */
function GroupSheet({ view, mayChange, onClose, onDone }) {
  const { group, problem } = view;
  const members = useQuery("device_groups.members", { device_group_id: group.id });
  const [doing, setDoing] = useState(""); // "", "change" or "remove"
  const { run, busy, error } = useAct();
  const change = (facts) => run(async () => { await link().mutate("device_groups.change", { device_group_id: group.id, facts, revision: group.revision }); onDone(); });
  const remove = () => run(async () => { await link().mutate("device_groups.remove", { device_group_id: group.id }); onDone(); });
  if (doing === "change") {
    return <Sheet title={group.name} onClose={onClose} side><GroupForm group={group} siteId={group.site_id} busy={busy} error={error} onSave={change} /></Sheet>;
  }
  return (
    <Sheet title={group.name} onClose={onClose} side>
      <div className="stack">
        {group.note && <p className="wraps">{group.note}</p>}
        <p>{group.filter === null ? t("device_groups.by_name") : <code className="code wraps">{group.filter}</code>}</p>
        {problem && <p className="note note-error" data-compact="true" role="alert">{problem}</p>}
        <Refusal message={messageOf(error)} />
        {mayChange && doing === "" && (
          <div className="note-actions">
            <button type="button" className="button" onClick={() => setDoing("change")}>{t("device_groups.change")}</button>
            <button type="button" className="button" onClick={() => setDoing("remove")}>{t("device_groups.remove")}</button>
          </div>
        )}
        {doing === "remove" && (
          <div className="note" data-compact="true">
            <p>{t("device_groups.remove_text", { name: group.name })}</p>
            <div className="note-actions">
              <button type="button" className="button button-primary" disabled={busy} onClick={remove}>{t("device_groups.remove")}</button>
              <button type="button" className="button" onClick={() => setDoing("")}>{t("action.cancel")}</button>
            </div>
          </div>
        )}
        {!problem && members.error && <ErrorNote what={t("device_groups.failed")} error={members.error} again={members.again} />}
        {!members.answer && !members.error && <Skeleton height={160} />}
        {mayChange && doing === "" && !problem && <ClientPart group={group} />}
        {members.answer && <ToldList told={members.answer} />}
      </div>
    </Sheet>
  );
}

/** Say of all members at once which update client they have; answered for each of them. */
function ClientPart({ group }) {
  const [client, setClient] = useState("");
  const [results, setResults] = useState(null);
  const { run, busy, error } = useAct();
  const send = (event) => {
    event.preventDefault();
    run(async () => setResults(await link().mutate("device_groups.set_client", { device_group_id: group.id, client })));
  };
  return (
    <section>
      <form className="inline-form" onSubmit={send}>
        <Field label={t("device_groups.client")} as="select" required value={client} onChange={(event) => setClient(event.target.value)}>
          <option value="">{t("campaigns.choose")}</option>
          {CLIENTS.map((each) => <option key={each} value={each}>{t("device_groups.client_of", { client: each })}</option>)}
        </Field>
        <button type="submit" className="button" disabled={busy}>{t("device_groups.set_client")}</button>
      </form>
      <p className="caption">{t("device_groups.client_hint")}</p>
      <Refusal message={messageOf(error)} />
      {results && (
        <ul className="campaign-skipped group-told" role="status">
          {results.map((one) => <li key={one.device_id}><span><span aria-hidden="true">{one.is_done ? "● " : "○ "}</span><span className="code">{one.code}</span> <span className="caption">{one.detail}</span></span></li>)}
        </ul>
      )}
    </section>
  );
}

function GroupForm({ group, siteId, busy, error, onSave }) {
  const [form, setForm] = useState(() => formOf(group));
  const asked = useLater(JSON.stringify(previewOf(form, siteId)), PREVIEW_AFTER_MS);
  const preview = useQuery("device_groups.preview", form.kind === "filter" && !form.filter.trim() ? null : { facts: JSON.parse(asked) });
  const set = (change) => setForm({ ...form, ...change });
  const typed = (field) => ({ value: form[field], error: faultBelow(error, field), onChange: (event) => set({ [field]: event.target.value }) });
  const send = (event) => {
    event.preventDefault();
    onSave(factsOf(form, siteId));
  };
  const isFilter = form.kind === "filter";
  const wrong = isFilter && form.filter.trim() && preview.error ? messageOf(preview.error) : "";
  return (
    <form className="entrance-form" onSubmit={send}>
      <Field label={t("device_groups.name")} required maxLength={120} autoComplete="off" {...typed("name")} />
      <Field label={t("firmware.notes")} as="textarea" rows={2} maxLength={2000} {...typed("note")} />
      <div className="segments" role="group" aria-label={t("device_groups.members_by")}>
        <button type="button" className="segment" aria-pressed={isFilter} onClick={() => set({ kind: "filter" })}>{t("device_groups.by_filter")}</button>
        <button type="button" className="segment" aria-pressed={!isFilter} onClick={() => set({ kind: "named" })}>{t("device_groups.by_name")}</button>
      </div>
      {isFilter && (
        <>
          <Field label={t("device_groups.filter")} hint={t("device_groups.filter_hint")} as="textarea" className="input group-filter" rows={3} required maxLength={1000} spellCheck="false" {...typed("filter")} error={faultBelow(error, "filter") || wrong} />
          <p className="caption wraps">{t("device_groups.fields")} <code className="code">{FIELDS}</code></p>
          <p className="caption wraps">{t("device_groups.example")} <code className="code">{EXAMPLE}</code></p>
        </>
      )}
      <Refusal message={["name", "filter"].some((field) => faultBelow(error, field)) ? "" : messageOf(error)} />
      <button type="submit" className="button button-primary" disabled={busy || Boolean(wrong)}>{t("firmware.save")}</button>
      {!isFilter && preview.error && <ErrorNote what={t("device_groups.failed")} error={preview.error} again={preview.again} />}
      {preview.answer && !wrong && (!isFilter || form.filter.trim()) && (
        <ToldList told={preview.answer} chosen={isFilter ? null : form.device_ids} onTurn={(id) => set({ device_ids: turned(form.device_ids, id) })} />
      )}
    </form>
  );
}

/** The value once it has stood still for a while. */
function useLater(value, afterMs) {
  const [later, setLater] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return later;
}

/** Each device with whether it is in the group, and why; with boxes to tick where members are named. */
function ToldList({ told, chosen = null, onTurn }) {
  const rows = chosen ? [...told].sort((one, other) => one.code.localeCompare(other.code, "en", { numeric: true })) : byMembership(told);
  const members = chosen ? chosen.length : told.filter((one) => one.is_member).length;
  return (
    <section>
      <h3 role="status">{t("device_groups.members_of", { members, all: told.length })}</h3>
      <ul className="campaign-skipped group-told">
        {rows.slice(0, ROWS_MAX).map((one) => (
          <li key={one.device_id} data-member={one.is_member}>
            {chosen
              ? <label className="check-line"><input type="checkbox" className="checkbox" checked={chosen.includes(one.device_id)} onChange={() => onTurn(one.device_id)} /><span className="code">{one.code}</span></label>
              : <><span><span aria-hidden="true">{one.is_member ? "● " : "○ "}</span><span className="code">{one.code}</span> <span className="caption">{t("device_groups.is_member", { member: String(one.is_member) })}</span></span><span className="caption">{one.why}</span></>}
          </li>
        ))}
      </ul>
      {rows.length > ROWS_MAX && <p className="caption">{t("campaigns.more_devices", { count: String(rows.length - ROWS_MAX) })}</p>}
    </section>
  );
}
