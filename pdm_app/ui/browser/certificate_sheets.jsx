/* Dialogs about certificates: replace it, ask an authority for one, give our own further names. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { FileField, namesOf } from "./certificate_parts.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";

const KEYS = ["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"];
const FILES = ".pem,.crt,.cer,.der,.p7b,.p7c,.pfx,.p12";
const KEY_FILES = ".key,.pem,.der,.p8";

/** Upload a certificate; with `request` its key is here already. */
export function ReplaceSheet({ request, onClose, onDone }) {
  const [certificate, setCertificate] = useState(null);
  const [key, setKey] = useState(null);
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const password = new FormData(event.currentTarget).get("password") ?? "";
    run(async () => {
      onDone(await link().mutate("certificates.replace", { certificate: certificate ?? "", key: key ?? "", password }));
    });
  };
  return (
    <Sheet title={t("certificates.upload_title")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <p className="muted">{request ? t("certificates.replace_request", { name: request.facts.names[0] }) : t("certificates.replace_hint")}</p>
        <Refusal message={messageOf(error, ["certificate", "key", "password"])} />
        <FileField label={t("certificates.file")} hint={t("certificates.file_hint")} accept={FILES} required onRead={setCertificate} error={faultOf(error, "certificate")} />
        <FileField label={t(request ? "certificates.other_key_file" : "certificates.key_file")} hint={t(request ? "certificates.other_key_hint" : "certificates.key_hint")}
          accept={KEY_FILES} onRead={setKey} error={faultOf(error, "key")} />
        <Field label={t("certificates.password")} name="password" type="password" autoComplete="off" maxLength={1024} hint={t("certificates.password_hint")} error={faultOf(error, "password")} />
        <button type="submit" className="button button-primary" disabled={busy || !certificate}>{t(busy ? "certificates.checking" : "certificates.check_and_use")}</button>
      </form>
    </Sheet>
  );
}

/** Make a request for an authority of the company. */
export function RequestSheet({ known, onClose, onDone }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const of = (name) => form.get(name).trim();
    const facts = {
      names: namesOf(of("names")), organization: of("organization"), unit: of("unit"), locality: of("locality"), state: of("state"),
      country: of("country").toUpperCase(), key_kind: of("key_kind"),
    };
    run(async () => { await link().mutate("certificates.request", facts); onDone(); });
  };
  return (
    <Sheet title={t("certificates.request_title")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <p className="muted">{t("certificates.request_hint")}</p>
        <Refusal message={messageOf(error, ["names", "country"])} />
        <Field as="textarea" rows={3} label={t("certificates.names")} name="names" required defaultValue={known.join("\n")} hint={t("certificates.names_hint")} error={faultOf(error, "names")}
          autoCapitalize="none" spellCheck="false" />
        <Field label={t("certificates.organization")} name="organization" maxLength={64} autoComplete="organization" />
        <details>
          <summary>{t("certificates.more_fields")}</summary>
          <div className="stack">
            <Field label={t("certificates.unit")} name="unit" maxLength={64} autoComplete="off" />
            <Field label={t("certificates.locality")} name="locality" maxLength={64} autoComplete="off" />
            <Field label={t("certificates.state")} name="state" maxLength={64} autoComplete="off" />
            <Field label={t("certificates.country")} name="country" maxLength={2} autoComplete="off" hint={t("certificates.country_hint")} error={faultOf(error, "country")} />
            <Field as="select" label={t("certificates.key")} name="key_kind" defaultValue="ec-p256">
              {KEYS.map((kind) => <option key={kind} value={kind}>{t("certificates.key_kind", { kind: kind.replace("-", "_") })}</option>)}
            </Field>
          </div>
        </details>
        <button type="submit" className="button button-primary" disabled={busy}>{t("certificates.make_request")}</button>
      </form>
    </Sheet>
  );
}

/** A new certificate of our own, with further names if wanted. */
export function RenewSheet({ state, onClose, onDone }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const names = namesOf(new FormData(event.currentTarget).get("names"));
    run(async () => onDone(await link().mutate("certificates.renew", { names })));
  };
  return (
    <Sheet title={t("certificates.renew_title")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <p className="muted">{t("certificates.renew_hint", { names: state.known_names.join(", ") })}</p>
        <Refusal message={messageOf(error, ["names"])} />
        <Field as="textarea" rows={3} label={t("certificates.further_names")} name="names" defaultValue={state.names.join("\n")} hint={t("certificates.names_hint")}
          error={faultOf(error, "names")} autoCapitalize="none" spellCheck="false" />
        <button type="submit" className="button button-primary" disabled={busy}>{t("certificates.renew_now")}</button>
      </form>
    </Sheet>
  );
}
