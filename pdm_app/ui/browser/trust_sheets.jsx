/* What an admin decides about a certificate, and certificates that are brought before anybody has shown them. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Check, Field, Refusal, Sheet, faultOf, messageOf } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Moment } from "./parts.jsx";
import { CertificateFile, PeerFacts, savePem } from "./trust_parts.jsx";

/** One certificate with all it says, and what can be done about it. */
export function DecisionSheet({ one, onClose, onDone }) {
  const { certificate, standing } = one;
  const [reason, setReason] = useState("");
  const [asAuthority, setAsAuthority] = useState(one.as_authority);
  const { run, busy, error } = useAct();
  const decide = (path, more = {}) => run(async () => {
    await link().mutate(path, { fingerprint: one.fingerprint, reason, ...more });
    onDone();
  });
  return (
    <Sheet title={certificate.subject} onClose={onClose} side>
      <div className="stack">
        {standing === "waiting" && <p className="note" data-compact="true">{t("trust.compare")}</p>}
        <PeerFacts certificate={certificate}>
          {one.connection_name && (
            <>
              <dt>{t("trust.shown_by")}</dt>
              <dd>{one.connection_name} <span className="code">{one.endpoint}</span></dd>
            </>
          )}
          <dt>{t("trust.seen")}</dt>
          <dd><Moment at={one.first_seen_at} /> – <Moment at={one.last_seen_at} /></dd>
          {one.reason && (
            <>
              <dt>{t("trust.reason")}</dt>
              <dd>{one.reason}</dd>
            </>
          )}
        </PeerFacts>
        <Field label={t("trust.why")} value={reason} maxLength={2000} autoComplete="off" onChange={(event) => setReason(event.target.value)} />
        {certificate.is_authority && (
          <Check label={t("trust.as_authority")} checked={asAuthority} onChange={(event) => setAsAuthority(event.target.checked)} />
        )}
        <Refusal message={messageOf(error)} />
        <div className="note-actions">
          {(standing !== "trusted" || asAuthority !== one.as_authority) && (
            <button type="button" className="button button-primary" disabled={busy} onClick={() => decide("trust.trust", { as_authority: asAuthority })}>{t("trust.trust")}</button>
          )}
          {standing !== "rejected" && (
            <button type="button" className="button" disabled={busy} onClick={() => decide("trust.reject")}>{t("trust.reject")}</button>
          )}
          <button type="button" className="button" disabled={busy} onClick={() => decide("trust.withdraw")}>{t("trust.withdraw")}</button>
          <button type="button" className="button" onClick={() => savePem("certificate.pem", one.pem)}>{t("trust.download")}</button>
        </div>
      </div>
    </Sheet>
  );
}

/** A file or pasted text, trusted from now on. */
export function BringSheet({ onClose, onDone }) {
  const [pasted, setPasted] = useState("");
  const [file, setFile] = useState(null);
  const [reason, setReason] = useState("");
  const [asAuthority, setAsAuthority] = useState(true);
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    run(async () => {
      await link().mutate("trust.add", { certificates: file ?? pasted, as_authority: asAuthority, reason });
      onDone();
    });
  };
  const fault = faultOf(error, "certificates");
  return (
    <Sheet title={t("trust.bring")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["certificates", "as_authority"])} />
        <CertificateFile label={t("trust.file")} hint={t("trust.file_hint")} onRead={setFile} error={file === null ? "" : fault} />
        {file === null && (
          <Field label={t("trust.paste")} as="textarea" className="input code" rows={6} value={pasted} error={fault} spellCheck="false"
            onChange={(event) => setPasted(event.target.value)} />
        )}
        <Check label={t("trust.as_authority")} checked={asAuthority} onChange={(event) => setAsAuthority(event.target.checked)} />
        {faultOf(error, "as_authority") && <p className="field-error" role="alert">{faultOf(error, "as_authority")}</p>}
        <Field label={t("trust.why")} value={reason} maxLength={2000} autoComplete="off" onChange={(event) => setReason(event.target.value)} />
        <button type="submit" className="button button-primary" disabled={busy || !(file ?? pasted).trim()}>{t("trust.bring_now")}</button>
      </form>
    </Sheet>
  );
}
