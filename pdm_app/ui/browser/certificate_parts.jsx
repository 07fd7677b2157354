/* Parts of the page about certificates: one certificate's facts, how long it is good, and files to upload. */
import { useId } from "react";
import { Copy } from "./copy.jsx";
import { t } from "./messages.js";
import { Day } from "./session_list.jsx";

const PEM = "-----BEGIN ";
const FILE_BYTES_MAX = 200_000; // A little below what the server takes, in base64.

/** "in 12 days", with a mark when it is soon; the mark is a shape and words, not a colour alone. */
export function DaysLeft({ days, isSound }) {
  return <span className={`chip${isSound ? "" : " chip-ends"}`}>{days < 0 ? t("certificates.ended") : t("certificates.days_left", { count: days })}</span>;
}

/** What a certificate says of itself. */
export function Facts({ certificate, children }) {
  return (
    <dl className="definition wraps">
      <dt>{t("certificates.names")}</dt>
      <dd>{certificate.names.length ? certificate.names.join(", ") : "–"}</dd>
      <dt>{t("certificates.issuer")}</dt>
      <dd>{certificate.issuer}</dd>
      <dt>{t("certificates.good")}</dt>
      <dd><Day at={certificate.valid_from} /> – <Day at={certificate.valid_until} /></dd>
      <dt>{t("certificates.key")}</dt>
      <dd>{certificate.key}</dd>
      <dt>{t("certificates.serial")}</dt>
      <dd className="code">{certificate.serial}</dd>
      <dt>{t("certificates.fingerprint")}</dt>
      <dd><span className="code">{certificate.fingerprint}</span> <Copy text={certificate.fingerprint} label={t("form.copy")} /></dd>
      {children}
    </dl>
  );
}

/** A file from this computer; `onRead` gets PEM as it is and anything else in base64, or null for none. */
export function FileField({ label, hint, error, accept, onRead, required = false }) {
  const id = useId();
  const read = async (event) => {
    const file = event.target.files[0];
    event.target.setCustomValidity(file && file.size > FILE_BYTES_MAX ? t("certificates.too_large") : "");
    event.target.reportValidity();
    onRead(file && file.size <= FILE_BYTES_MAX ? await contentOf(file) : null);
  };
  const described = [error && `${id}-e`, hint && `${id}-h`].filter(Boolean).join(" ") || undefined;
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>{label}</label>
      <input id={id} type="file" className="input" accept={accept} required={required} aria-invalid={Boolean(error)} aria-describedby={described} onChange={read} />
      {hint && <span id={`${id}-h`} className="caption">{hint}</span>}
      {error && <span id={`${id}-e`} className="field-error">{error}</span>}
    </div>
  );
}

async function contentOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  if (text.includes(PEM)) return text;
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Hand a text to the browser as a file. */
export function saveAs(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/x-pem-file" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  URL.revokeObjectURL(address);
}

/** Names one below the other, as people paste them, become a list. */
export function namesOf(text) {
  return text.split(/[\s,;]+/).filter(Boolean);
}
