/* Parts of the page about trusted certificates: what one says of itself, how long it is good, and files to bring. */
import { useId } from "react";
import { Copy } from "./copy.jsx";
import { t } from "./messages.js";
import { Day } from "./session_list.jsx";

const DAY_US = 86_400e6;
const FILE_BYTES_MAX = 200_000;

/** "in 12 days"; a certificate that has ended says so. */
export function DaysLeft({ certificate, now }) {
  const days = Math.floor((certificate.valid_until - now) / DAY_US);
  return <span className="chip">{days < 0 ? t("trust.ended") : t("trust.days_left", { count: days })}</span>;
}

/** What a certificate says of itself. */
export function PeerFacts({ certificate, children }) {
  return (
    <dl className="definition wraps">
      <dt>{t("trust.names")}</dt>
      <dd>{certificate.names.length ? certificate.names.join(", ") : "–"}</dd>
      <dt>{t("trust.issuer")}</dt>
      <dd>{certificate.issuer}</dd>
      <dt>{t("trust.good")}</dt>
      <dd><Day at={certificate.valid_from} /> – <Day at={certificate.valid_until} /></dd>
      <dt>{t("trust.fingerprint")}</dt>
      <dd><span className="code">{certificate.fingerprint}</span> <Copy text={certificate.fingerprint} label={t("form.copy")} /></dd>
      {children}
    </dl>
  );
}

/** A file from this computer; `onRead` gets PEM as it is and anything else in base64, or null for none. */
export function CertificateFile({ label, hint, error, onRead }) {
  const id = useId();
  const read = async (event) => {
    const file = event.target.files[0];
    const isLarge = Boolean(file) && file.size > FILE_BYTES_MAX;
    event.target.setCustomValidity(isLarge ? t("trust.too_large") : "");
    event.target.reportValidity();
    onRead(file && !isLarge ? await textOf(file) : null);
  };
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>{label}</label>
      <input id={id} type="file" className="input" accept=".pem,.crt,.cer,.der" aria-invalid={Boolean(error)} aria-describedby={`${id}-h`} onChange={read} />
      <span id={`${id}-h`} className="caption">{hint}</span>
      {error && <span className="field-error" role="alert">{error}</span>}
    </div>
  );
}

async function textOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  if (text.includes("-----BEGIN ")) return text;
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Hand a certificate to the browser as a file. */
export function savePem(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/x-pem-file" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
