/* What is set in the product as a text for Git: taken along, and brought in after a look at what it would change. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Check, Field, messageOf, Refusal } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote } from "./parts.jsx";
import { Changes } from "./settings_changes.jsx";

const BYTES_MAX = 65_536;

export function SettingsFile({ view, mayWrite, onChanged }) {
  const { answer, error, again } = useQuery("settings.export", { comments: true });
  const save = () => {
    const address = URL.createObjectURL(new Blob([answer], { type: "application/toml" }));
    Object.assign(document.createElement("a"), { href: address, download: "pdm-settings.toml" }).click();
    URL.revokeObjectURL(address);
  };
  return (
    <div className="stack">
      <section className="card stack">
        <header className="card-head">
          <h2>{t("general.take_along")}</h2>
          <button type="button" className="button push" disabled={!answer} onClick={save}>{t("general.download")}</button>
        </header>
        <p className="muted">{t("general.file_hint")}</p>
        {error && <ErrorNote what={t("general.file_failed")} error={error} again={again} compact />}
        <pre className="code general-text" tabIndex={0} aria-label={t("general.take_along")}>{answer ?? ""}</pre>
      </section>
      {mayWrite && <BringIn key={view.revision} onChanged={() => { again(); onChanged(); }} />}
    </div>
  );
}

function BringIn({ onChanged }) {
  const [text, setText] = useState("");
  const [replace, setReplace] = useState(false);
  const [review, setReview] = useState(null);
  const [reason, setReason] = useState("");
  const { run, busy, error, forget } = useAct();
  const write = (value) => {
    forget();
    setReview(null);
    setText(value);
  };
  const pick = async (event) => {
    const file = event.target.files?.[0];
    if (file) write(file.size > BYTES_MAX ? "" : await file.text());
  };
  const look = (event) => {
    event.preventDefault();
    run(async () => setReview(await link().mutate("settings.review_text", { text, replace })));
  };
  const bring = () => run(async () => {
    await link().mutate("settings.bring_in", { text, replace, base: review.base, reason: reason.trim() });
    onChanged();
  });
  return (
    <section className="card">
      <header className="card-head"><h2>{t("general.bring_in")}</h2></header>
      <form className="stack" onSubmit={look}>
        <Field label={t("general.pick")} type="file" accept=".toml,text/plain,application/toml" onChange={pick} />
        <Field label={t("general.text")} as="textarea" rows={8} className="input code" maxLength={BYTES_MAX} spellCheck="false" value={text}
          onChange={(event) => write(event.target.value)} />
        <Check label={t("general.replace")} checked={replace} onChange={(event) => { setReview(null); setReplace(event.target.checked); }} />
        <Refusal message={messageOf(error, [])} />
        {!review && <div className="note-actions"><button type="submit" className="button" disabled={busy || !text.trim()}>{t("general.review")}</button></div>}
        {review && <Changes changes={review.changes} />}
        {review?.changes.length > 0 && (
          <>
            <Field label={t("general.reason")} as="textarea" rows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.target.value)} />
            <div className="note-actions">
              <button type="button" className="button button-primary" disabled={busy} onClick={bring}>{t("general.bring_in")}</button>
              <button type="button" className="button" onClick={() => setReview(null)}>{t("action.cancel")}</button>
            </div>
          </>
        )}
      </form>
    </section>
  );
}
