/* Views of the workspace that people keep: opened, saved, copied, shown to others, deleted and brought back. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";
import { UndoNote } from "./undo.jsx";

const change = (verb, view, more = {}) => link().mutate(`views.${verb}`, { view_id: view.id, ...more });

/** `opened` is the view that is shown, null for none; `address()` that of what is on the screen; `open(view)` shows one. */
export function ViewTools({ views, again, me, opened, address, open, onSaved }) {
  const [sheet, setSheet] = useState(null); // "list" or "save"
  const { run, busy, error } = useAct();
  const isOwn = opened && opened.owner_id === me?.user_id;
  const isChanged = isOwn && opened.address !== address();
  const update = () => run(async () => {
    onSaved(await change("change", opened, { address: address(), revision: opened.revision }));
    again();
  });
  return (
    <>
      {opened && <span className="workspace-view strong" title={t("views.of", { name: opened.owner })}>{opened.name}</span>}
      {isChanged && <button type="button" className="button" disabled={busy} onClick={update}>{t("views.update")}</button>}
      <button type="button" className="button" onClick={() => setSheet("save")}>{t("views.save")}</button>
      <button type="button" className="button" onClick={() => setSheet("list")}>{t("views.open", { count: views?.length ?? 0 })}</button>
      <ActError error={error} />
      {sheet === "save" && <SaveSheet address={address()} onClose={() => setSheet(null)} onDone={(view) => { onSaved(view); again(); }} />}
      {sheet === "list" && <ViewSheet {...{ views, again, me }} onOpen={(view) => { open(view); setSheet(null); }} onClose={() => setSheet(null)} />}
    </>
  );
}

function SaveSheet({ address, onClose, onDone }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      onDone(await link().mutate("views.create", { name: String(form.get("name")).trim(), address, is_default: form.get("first") === "on" }));
      onClose();
    });
  };
  return (
    <Sheet title={t("views.save")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["name"])} />
        <Field label={t("views.name")} name="name" required maxLength={120} autoComplete="off" autoFocus error={faultOf(error, "name")} hint={t("views.save_hint")} />
        <Check label={t("views.first")} name="first" />
        <button type="submit" className="button button-primary" disabled={busy}>{t("views.save")}</button>
      </form>
    </Sheet>
  );
}

function ViewSheet({ views, again, me, onOpen, onClose }) {
  const { answer: audience } = useQuery("views.audience");
  const [gone, setGone] = useState(null);
  const own = (views ?? []).filter((view) => view.owner_id === me?.user_id);
  const others = (views ?? []).filter((view) => view.owner_id !== me?.user_id);
  const undo = async () => {
    await change("restore", gone);
    setGone(null);
    again();
  };
  return (
    <Sheet title={t("views.title")} onClose={onClose} side>
      {!views && <Skeleton height={80} />}
      {gone && <UndoNote what={t("views.deleted", { name: gone.name })} onUndo={undo} onOver={() => setGone(null)} />}
      {views?.length === 0 && <p className="muted">{t("views.empty")}</p>}
      {own.length > 0 && <h3>{t("views.mine")}</h3>}
      <ul className="sessions">{own.map((view) => <OwnView key={view.id} {...{ view, audience, again, onOpen }} onGone={setGone} />)}</ul>
      {others.length > 0 && <h3>{t("views.shown")}</h3>}
      <ul className="sessions">{others.map((view) => <ShownView key={view.id} {...{ view, again, onOpen }} />)}</ul>
    </Sheet>
  );
}

function OwnView({ view, audience, again, onOpen, onGone }) {
  const [renames, setRenames] = useState(false);
  const { run, busy, error } = useAct();
  const act = (work) => () => run(async () => { await work(); again(); });
  const rename = (event) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    run(async () => { await change("change", view, { name, revision: view.revision }); setRenames(false); again(); });
  };
  const showTo = (event) => {
    const [kind, id] = event.target.value.split(" ");
    act(() => change("show", view, kind ? { [`${kind}_id`]: id } : {}))();
  };
  const circles = [...(audience?.sites ?? []).map((site) => ["site", site]), ...(audience?.groups ?? []).map((group) => ["group", group])];
  return (
    <li className="view-row">
      <div>
        {renames
          ? <form className="row" onSubmit={rename}><input className="input" name="name" defaultValue={view.name} required maxLength={120} autoFocus aria-label={t("views.name")} /><button type="submit" className="button button-small" disabled={busy}>{t("views.rename")}</button></form>
          : <button type="button" className="link strong" onClick={() => onOpen(view)}>{view.name}</button>}
        {view.is_default && <span className="caption"> {t("views.is_first")}</span>}
        <ActError error={error} />
        {circles.length > 0 && (
          <select className="input" aria-label={t("views.show_to", { name: view.name })} disabled={busy} value={view.site_id ? `site ${view.site_id}` : view.group_id ? `group ${view.group_id}` : ""} onChange={showTo}>
            <option value="">{t("views.nobody")}</option>
            {circles.map(([kind, circle]) => <option key={`${kind} ${circle.id}`} value={`${kind} ${circle.id}`}>{t(kind === "site" ? "views.to_site" : "views.to_group", { name: circle.name })}</option>)}
          </select>
        )}
      </div>
      <div className="note-actions">
        <button type="button" className="button button-small" disabled={busy} onClick={act(() => change("change", view, { is_default: !view.is_default, revision: view.revision }))}>{t(view.is_default ? "views.not_first" : "views.make_first")}</button>
        <button type="button" className="button button-small" onClick={() => setRenames(!renames)}>{t("views.rename")}</button>
        <button type="button" className="button button-small" disabled={busy} onClick={act(() => change("copy", view))}>{t("views.copy")}</button>
        <button type="button" className="button button-small" disabled={busy} onClick={act(async () => { await change("delete", view); onGone(view); })}>{t("views.delete")}</button>
      </div>
    </li>
  );
}

function ShownView({ view, again, onOpen }) {
  const { run, busy, error } = useAct();
  return (
    <li className="view-row">
      <div>
        <button type="button" className="link strong" onClick={() => onOpen(view)}>{view.name}</button>
        <div className="caption">{t("views.of", { name: view.owner })}</div>
        <ActError error={error} />
      </div>
      <button type="button" className="button button-small" disabled={busy} onClick={() => run(async () => { await change("copy", view); again(); })}>{t("views.copy")}</button>
    </li>
  );
}

/** What keeps a workspace from listing its views, beside its tools. */
export function ViewsFault({ error, again }) {
  return error ? <ErrorNote what={t("views.failed")} error={error} again={again} compact /> : null;
}
