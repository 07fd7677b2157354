/* A new release: a file on its way up, then what is said of it. */
import { useEffect, useRef, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { factsOf, faultBelow, formOf } from "./firmware.js";
import { Check, Field, Refusal, Sheet, messageOf } from "./form_parts.jsx";
import { number, size } from "./format.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { discard, sendInTurns, unfinished } from "./uploads.js";

const KIND = "firmware";
const FIELDS = ["name", "version", "security_version", "hardware", "min_from_version", "notes"];

export function NewRelease({ onClose, onDone }) {
  const [upload, setUpload] = useState(null);
  const { run, busy, error } = useAct();
  const save = (facts) => run(async () => onDone(await link().mutate("releases.create", { upload_id: upload.id, facts })));
  return (
    <Sheet title={t("firmware.upload")} onClose={onClose} side>
      {upload ? (
        <>
          <p className="caption wraps">{t("firmware.taken", { name: upload.name, size: size(upload.bytes) })} <span className="code">{upload.sha256}</span></p>
          <FactsForm facts={{}} busy={busy} error={error} submit={t("firmware.create")} onSave={save} />
        </>
      ) : <Drop onTaken={setUpload} />}
    </Sheet>
  );
}

/** What is said of a release: of a new one, or of a draft that is changed. */
export function FactsForm({ facts, busy, error, submit, onSave }) {
  const [form, setForm] = useState(() => formOf(facts));
  const typed = (field) => ({ value: form[field], error: faultBelow(error, field), onChange: (event) => setForm({ ...form, [field]: event.target.value }) });
  const send = (event) => {
    event.preventDefault();
    onSave(factsOf(form));
  };
  return (
    <form className="entrance-form" onSubmit={send}>
      <Refusal message={FIELDS.some((field) => faultBelow(error, field)) ? "" : messageOf(error)} />
      <Field label={t("firmware.name")} hint={t("firmware.name_hint")} required maxLength={40} autoComplete="off" spellCheck="false" {...typed("name")} />
      <Field label={t("firmware.version")} hint={t("firmware.version_hint")} required maxLength={60} autoComplete="off" {...typed("version")} />
      <Field label={t("firmware.security")} hint={t("firmware.security_hint")} type="number" min={0} step={1} required {...typed("security_version")} />
      <Field label={t("firmware.hardware")} hint={t("firmware.hardware_hint")} as="textarea" className="input code" rows={3} required spellCheck="false" {...typed("hardware")} />
      <Field label={t("firmware.min_from")} hint={t("firmware.min_from_hint")} maxLength={60} autoComplete="off" {...typed("min_from_version")} />
      <Check label={t("firmware.rollback_safe")} checked={form.rollback_safe} onChange={(event) => setForm({ ...form, rollback_safe: event.target.checked })} />
      <Field label={t("firmware.notes")} as="textarea" rows={3} maxLength={2000} {...typed("notes")} />
      <button type="submit" className="button button-primary" disabled={busy}>{submit}</button>
    </form>
  );
}

/** A place to drop an image, which is also a button that opens the file picker; a file that was cut off goes on. */
function Drop({ onTaken }) {
  const picker = useRef(null);
  const [over, setOver] = useState(false);
  const [sending, setSending] = useState(null); // {file, share, isDown}
  const [left, setLeft] = useState([]); // What has not arrived whole.
  const { run, error } = useAct();
  const look = () => unfinished(KIND).then(setLeft);
  useEffect(() => { look(); }, []);
  const take = (file) => file && run(async () => {
    setSending({ file, share: 0 });
    try {
      onTaken(await sendInTurns(file, (share, isDown) => setSending({ file, share, isDown }), { kind: KIND }));
    } finally {
      setSending(null);
      look();
    }
  });
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  const giveUp = (one) => run(async () => { await discard(one.id); await look(); });
  const words = sending && t("imports.sending", { name: sending.file.name, size: size(sending.file.size) });
  return (
    <>
      <div className="imports-drop" data-over={over} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
        {sending ? (
          <>
            <p role="status">{sending.isDown ? t("firmware.line_down", { name: sending.file.name }) : words}</p>
            <progress max={1} value={sending.share} aria-label={words}>{number(100 * sending.share)}</progress>
          </>
        ) : (
          <>
            <p className="strong">{t("firmware.drop")}</p>
            <p className="caption">{t("firmware.kinds")}</p>
            <button type="button" className="button button-primary" onClick={() => picker.current.click()}>{t("imports.choose")}</button>
          </>
        )}
        <input ref={picker} type="file" className="visually-hidden" tabIndex={-1} aria-label={t("imports.choose")} onChange={(event) => { take(event.target.files[0]); event.target.value = ""; }} />
      </div>
      {error?.kept ? <p className="act-error" role="alert">{t("firmware.kept")}</p> : <ActError error={error} />}
      {!sending && left.map((one) => (
        <div key={one.id} className="note">
          <p className="wraps">{t("firmware.unfinished", { name: one.name, arrived: size(one.offset), whole: size(one.bytes) })}</p>
          <progress max={one.bytes} value={one.offset} aria-label={one.name} />
          <div className="note-actions"><button type="button" className="button" onClick={() => giveUp(one)}>{t("firmware.give_up")}</button></div>
        </div>
      ))}
    </>
  );
}
