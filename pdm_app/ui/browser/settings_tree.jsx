/* All settings under their headings; what is changed waits in a draft until it was looked at and given a reason. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { link } from "./link.js";
import { has, t } from "./messages.js";
import { EmptyNote } from "./parts.jsx";
import { Changes } from "./settings_changes.jsx";
import { asked, faultsOf, isChanged, isMeant, sections } from "./settings_edit.js";
import { SettingRow } from "./setting_row.jsx";

export function SettingsTree({ view, mayWrite, onChanged }) {
  const [words, setWords] = useState("");
  const [only, setOnly] = useState(false);
  const [draft, setDraft] = useState({});
  const [review, setReview] = useState(null);
  const { run, busy, error, forget } = useAct();
  const want = asked(view.settings, draft);
  const faults = { ...faultsOf(error), ...want.faults };
  const shown = view.settings.filter((one) => isMeant(one, words) && (!only || isChanged(one) || one.spec.key in draft));
  const write = (key, value) => {
    forget();
    setDraft((before) => {
      const { [key]: _, ...others } = before;
      return value === undefined ? others : { ...others, [key]: value };
    });
  };
  const look = (event) => {
    event.preventDefault();
    run(async () => setReview(await link().mutate("settings.review", { changes: want.changes, resets: want.resets })));
  };
  const done = () => {
    setDraft({});
    setReview(null);
    onChanged();
  };
  return (
    <form onSubmit={look} noValidate>
      <section className="card general-card">
        <header className="card-head">
          <input type="search" className="input general-search" value={words} placeholder={t("general.search")} aria-label={t("general.search")}
            maxLength={80} onChange={(event) => setWords(event.target.value)} />
          <label className="check-line">
            <input type="checkbox" className="checkbox" checked={only} onChange={(event) => setOnly(event.target.checked)} />
            <span className="caption">{t("general.only_changed")}</span>
          </label>
          <span className="aside caption">{t("general.revision", { number: view.revision })}</span>
        </header>
        {sections(shown).map(({ section, views }) => (
          <Section key={section} section={section}>
            {views.map((one) => (
              <SettingRow key={one.spec.key} view={one} draft={draft[one.spec.key]} fault={faults[one.spec.key]} mayWrite={mayWrite}
                onDraft={(value) => write(one.spec.key, value)} />
            ))}
          </Section>
        ))}
        {shown.length === 0 && <EmptyNote title={t("general.none")} text={t("general.none_hint")} />}
      </section>
      {(want.count > 0 || Object.keys(want.faults).length > 0) && (
        <div className="general-bar" role="region" aria-label={t("general.draft")}>
          <Refusal message={messageOf(error, [])} />
          <span>{t("general.waiting", { count: want.count })}</span>
          <button type="button" className="button" onClick={() => { forget(); setDraft({}); }}>{t("general.discard")}</button>
          <button type="submit" className="button button-primary" disabled={busy || want.count === 0 || Object.keys(want.faults).length > 0}>
            {t("general.review")}
          </button>
        </div>
      )}
      {review && <ReviewSheet review={review} want={want} onClose={() => setReview(null)} onDone={done} />}
    </form>
  );
}

function Section({ section, children }) {
  const key = `general.section.${section.replace(".", "_")}`;
  return (
    <section className="general-section" aria-label={section}>
      <h2>{has(key) ? t(`general.section.${section.replace(".", "_")}`) : section}</h2>
      {children}
    </section>
  );
}

function ReviewSheet({ review, want, onClose, onDone }) {
  const [reason, setReason] = useState("");
  const { run, busy, error } = useAct();
  const save = () => run(async () => {
    await link().mutate("settings.change", { changes: want.changes, resets: want.resets, base: review.base, reason: reason.trim() });
    onDone();
  });
  return (
    <Sheet title={t("general.review_title")} onClose={onClose}>
      <Changes changes={review.changes} />
      <Refusal message={messageOf(error, [])} />
      <Field label={t("general.reason")} as="textarea" rows={2} maxLength={2000} value={reason} autoFocus onChange={(event) => setReason(event.target.value)} />
      <div className="note-actions">
        <button type="button" className="button button-primary" disabled={busy} onClick={save}>{t("action.save")}</button>
        <button type="button" className="button" onClick={onClose}>{t("action.cancel")}</button>
      </div>
    </Sheet>
  );
}
