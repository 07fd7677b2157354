/* Adding a machine to a line, changing what is said of it, and deleting it with an undo. */
import { useRef, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { codeOf, link } from "./link.js";
import { t } from "./messages.js";
import { assetOf, changesOf } from "./plant_edit.js";
import { SignDialog } from "./sign_dialog.jsx";
import { UndoNote } from "./undo.jsx";

const NEW = { code: "", name: "", asset_class: "" };
const FIELDS = ["code", "name", "asset_class"];

/** What the refusal says against a field; a name that is taken is said beside that name. */
function fault(error, field) {
  return error?.data?.facts?.field === field ? error.message : faultOf(error, field);
}

function AssetForm({ title, asset, save, onClose }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const said = assetOf(new FormData(event.currentTarget));
    run(() => save(said));
  };
  const isBeside = FIELDS.some((field) => fault(error, field));
  return (
    <Sheet title={title} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={isBeside ? "" : messageOf(error, FIELDS)} />
        <Field label={t("machine.code")} name="code" required maxLength={40} autoComplete="off" spellCheck="false" defaultValue={asset.code} autoFocus error={fault(error, "code")} />
        <Field label={t("machine.name")} name="name" required maxLength={120} autoComplete="off" defaultValue={asset.name} error={fault(error, "name")} />
        <Field label={t("machine.class")} name="asset_class" maxLength={80} autoComplete="off" hint={t("machine.class_hint")} defaultValue={asset.asset_class} error={fault(error, "asset_class")} />
        <button type="submit" className="button button-primary" disabled={busy}>{t("action.save")}</button>
      </form>
    </Sheet>
  );
}

/** A button that adds a machine to a line and opens its page. */
export const AssetAdder = guarded(function AssetAdder({ lineId }) {
  const [isOpen, setIsOpen] = useState(false);
  const save = async (said) => {
    const made = await link().mutate("assets.create", { line_id: lineId, ...said });
    globalThis.location.assign(`/asset/${made.id}`);
  };
  return (
    <>
      <button type="button" className="button" onClick={() => setIsOpen(true)}>{t("machine.add")}</button>
      {isOpen && <AssetForm title={t("machine.add")} asset={NEW} save={save} onClose={() => setIsOpen(false)} />}
    </>
  );
});

/** Edit and delete; a deleted machine is left after ten seconds unless it is wanted back. */
export const AssetEditor = guarded(function AssetEditor({ asset, onChanged }) {
  const [isOpen, setIsOpen] = useState(false);
  const [isDeleted, setIsDeleted] = useState(false);
  const [signs, setSigns] = useState(false);
  const opened = useRef(asset);
  const newest = useRef(asset.revision);
  const deleting = useAct();
  const open = () => {
    opened.current = asset;
    newest.current = asset.revision;
    setIsOpen(true);
  };
  const save = async (said) => {
    try {
      await link().mutate("assets.change", { asset_id: asset.id, revision: newest.current, ...changesOf(opened.current, said) });
    } catch (refused) {
      // The next save sends the same changes to what is there by then.
      if (codeOf(refused) === "CONFLICT" && refused.data?.facts?.revision) newest.current = refused.data.facts.revision;
      throw refused;
    }
    setIsOpen(false);
    onChanged?.();
  };
  const removed = async (signing) => {
    await link().mutate("assets.delete", { asset_id: asset.id, with_parts: true, ...signing });
    setIsDeleted(true);
  };
  const remove = () => deleting.run(async () => {
    try {
      await removed({});
    } catch (refused) {
      if (!faultOf(refused, "signing")) throw refused;
      setSigns(true); // The settings ask for a signature.
    }
  });
  const restore = async () => {
    await link().mutate("assets.restore", { asset_id: asset.id });
    setIsDeleted(false);
    onChanged?.();
  };
  if (isDeleted) {
    return <UndoNote what={t("machine.deleted", { code: asset.code })} onUndo={restore} onOver={() => globalThis.location.assign(`/plant/${asset.line_id}`)} />;
  }
  return (
    <>
      <button type="button" className="button" onClick={open}>{t("action.edit")}</button>
      <button type="button" className="button button-plain" disabled={deleting.busy} onClick={remove}>{t("action.delete")}</button>
      <ActError error={deleting.error} />
      {signs && (
        <SignDialog title={t("machine.sign_deletion")} what={`${asset.code} ${asset.name}`} meaning="approved" onClose={() => setSigns(false)}
          onSign={({ password, code, reason }) => removed({ signing: { password, code, reason } })} />
      )}
      {isOpen && <AssetForm title={t("machine.edit")} asset={opened.current} save={save} onClose={() => setIsOpen(false)} />}
    </>
  );
});
