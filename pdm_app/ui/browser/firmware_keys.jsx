/* The public keys that vouch for firmware. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { faultBelow } from "./firmware.js";
import { Field, Refusal, Sheet, messageOf } from "./form_parts.jsx";
import { useNow } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { Day } from "./session_list.jsx";

const KEYGEN = "pdm-app firmware keygen release.key";

export function KeyList({ keys, mayTrust, onChanged }) {
  const [open, setOpen] = useState(null); // "new" or a key
  const now = useNow();
  const done = () => { setOpen(null); onChanged(); };
  return (
    <section className="card people">
      <header className="card-head">
        <h2>{t("firmware.keys")}</h2>
        {mayTrust && <button type="button" className="button push" onClick={() => setOpen("new")}>{t("firmware.add_key")}</button>}
      </header>
      {keys.error && !keys.answer && <ErrorNote what={t("firmware.failed")} error={keys.error} again={keys.again} />}
      {!keys.answer && !keys.error && <Skeleton height={80} />}
      {keys.answer?.length === 0 && <EmptyNote title={t("firmware.no_keys")} text={t("firmware.no_keys_hint")}><code className="code">{KEYGEN}</code></EmptyNote>}
      {keys.answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("firmware.key")}</th><th>{t("firmware.state")}</th><th>{t("firmware.ends")}</th><th>{t("firmware.added")}</th></tr></thead>
          <tbody>
            {keys.answer.map((one) => (
              <tr key={one.id}>
                <td>
                  {mayTrust && !one.revoked_at ? <button type="button" className="link" onClick={() => setOpen(one)}>{one.name}</button> : one.name}
                  <div className="code caption">{one.id}</div>
                </td>
                <td data-label={t("firmware.state")}>
                  <span className="chip">{t("firmware.key_state", { state: stateOf(one, now) })}</span>
                  {one.revoke_reason && <div className="caption">{one.revoke_reason}</div>}
                </td>
                <td data-label={t("firmware.ends")}>{one.expires_at ? <Day at={one.expires_at} /> : "–"}</td>
                <td data-label={t("firmware.added")}>{one.added_by}<div className="caption"><Moment at={one.added_at} /></div></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open === "new" && <AddSheet onClose={() => setOpen(null)} onDone={done} />}
      {open && open !== "new" && <RevokeSheet one={open} onClose={() => setOpen(null)} onDone={done} />}
    </section>
  );
}

function stateOf(one, now) {
  if (one.revoked_at) return "revoked";
  return one.expires_at && now !== null && one.expires_at <= now ? "expired" : "good";
}

function AddSheet({ onClose, onDone }) {
  const [form, setForm] = useState({ name: "", public_key: "", ends: "" });
  const { run, busy, error } = useAct();
  const typed = (field, of = field) => ({ value: form[field], error: faultBelow(error, of), onChange: (event) => setForm({ ...form, [field]: event.target.value }) });
  const send = (event) => {
    event.preventDefault();
    const expires = form.ends ? Date.parse(`${form.ends}T23:59:59Z`) * 1000 : null;
    run(async () => {
      await link().mutate("signing_keys.add", { facts: { name: form.name, public_key: form.public_key.trim(), expires_at: expires } });
      onDone();
    });
  };
  const named = ["name", "public_key", "expires_at"].some((field) => faultBelow(error, field));
  return (
    <Sheet title={t("firmware.add_key")} onClose={onClose}>
      <form className="entrance-form" onSubmit={send}>
        <p className="muted">{t("firmware.key_text")} <code className="code">{KEYGEN}</code></p>
        <Refusal message={named ? "" : messageOf(error)} />
        <Field label={t("firmware.key_name")} required maxLength={120} autoComplete="off" {...typed("name")} />
        <Field label={t("firmware.public_key")} hint={t("firmware.public_key_hint")} required maxLength={44} autoComplete="off" spellCheck="false" className="input code" {...typed("public_key")} />
        <Field label={t("firmware.ends")} hint={t("firmware.ends_hint")} type="date" {...typed("ends", "expires_at")} />
        <button type="submit" className="button button-primary" disabled={busy}>{t("firmware.trust_key")}</button>
      </form>
    </Sheet>
  );
}

function RevokeSheet({ one, onClose, onDone }) {
  const [reason, setReason] = useState("");
  const { run, busy, error } = useAct();
  const send = (event) => {
    event.preventDefault();
    run(async () => {
      await link().mutate("signing_keys.revoke", { key: one.id, reason });
      onDone();
    });
  };
  return (
    <Sheet title={one.name} onClose={onClose}>
      <form className="entrance-form" onSubmit={send}>
        <p className="note note-error" data-compact="true">{t("firmware.revoke_key_hint")}</p>
        <Refusal message={messageOf(error)} />
        <Field label={t("firmware.why")} required minLength={3} maxLength={2000} autoComplete="off" value={reason} onChange={(event) => setReason(event.target.value)} />
        <button type="submit" className="button button-primary" disabled={busy || reason.trim().length < 3}>{t("firmware.revoke_key")}</button>
      </form>
    </Sheet>
  );
}
