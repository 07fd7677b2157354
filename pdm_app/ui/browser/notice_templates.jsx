/* What messages say: the template of each channel, with what it would say as it is typed. */
import { useEffect, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";

const TYPED_MS = 400;

export function Templates({ maySet }) {
  const { answer, error, again } = useQuery("notices.templates", {});
  const [open, setOpen] = useState(null);
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("notices.templates")}</h2></header>
      <p className="muted">{t("notices.templates_hint")}</p>
      {!answer && (error ? <ErrorNote what={t("notices.failed")} error={error} again={again} /> : <Skeleton height={80} />)}
      {answer && (
        <ul className="notice-list">
          {answer.map(({ template, is_own: isOwn }) => (
            <li key={template.id} className="card-head">
              <strong>{t("notices.channel", { kind: template.channel })}</strong>
              <span className="chip">{t("notices.language_of", { language: template.language })}</span>
              <span className="caption">{t(isOwn ? "notices.template_own" : "notices.template_usual")}</span>
              <button type="button" className="button button-small push" onClick={() => setOpen({ template, isOwn })}>{t(maySet ? "notices.template_change" : "notices.template_look")}</button>
            </li>
          ))}
        </ul>
      )}
      {open && (
        <Sheet title={t("notices.template_of", { kind: open.template.channel })} onClose={() => setOpen(null)} side>
          <TemplateForm {...open} maySet={maySet} onDone={() => { setOpen(null); again(); }} />
        </Sheet>
      )}
    </section>
  );
}

function TemplateForm({ template, isOwn, maySet, onDone }) {
  const spoken = { channel: template.channel, language: template.language };
  const [facts, setFacts] = useState({ subject: template.subject, body: template.body });
  const { answer: names } = useQuery("notices.template_names", {});
  const { preview, fault } = usePreview(template, facts);
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    run(async () => {
      await link().mutate("notices.put_template", { ...spoken, facts, revision: template.revision });
      onDone();
    });
  };
  const reset = () => run(async () => {
    await link().mutate("notices.reset_template", spoken);
    onDone();
  });
  const said = (name, label) => ({ label: t(label), value: facts[name], readOnly: !maySet, required: true, onChange: (event) => setFacts({ ...facts, [name]: event.target.value }) });
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error)} />
      <Field {...said("subject", "notices.template_subject")} maxLength={200} autoComplete="off" error={faultIn(fault, "subject")} />
      <Field {...said("body", "notices.template_body")} as="textarea" rows={9} maxLength={2000} error={faultIn(fault, "body")} />
      {fault && !faultIn(fault, "subject") && !faultIn(fault, "body") && <Refusal message={messageOf(fault)} />}
      <details>
        <summary>{t("notices.template_names")}</summary>
        <dl className="definition">
          {Object.entries(names ?? {}).map(([name, meaning]) => [<dt key={name} className="code">{`{${name}}`}</dt>, <dd key={`${name} meaning`}>{meaning}</dd>])}
        </dl>
      </details>
      <section className="stack notice-step" aria-live="polite">
        <h3>{t("notices.template_preview")}</h3>
        {preview && (
          <>
            <strong>{preview.subject}</strong>
            <pre className="message-body">{preview.body}</pre>
          </>
        )}
      </section>
      {maySet && (
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={busy || Boolean(fault)}>{t("form.save")}</button>
          {isOwn && <button type="button" className="button" disabled={busy} onClick={reset}>{t("notices.template_reset")}</button>}
        </div>
      )}
    </form>
  );
}

/** What is said against one field inside the facts. */
function faultIn(error, field) {
  const found = (error?.data?.issues ?? []).find((issue) => issue.loc?.at(-1) === field);
  return (found?.msg ?? faultOf(error, field)).replace(/^Value error, /, ""); // The words of the validator's library.
}

/** What the server makes of the template, a moment after somebody has stopped typing. */
function usePreview({ channel, language }, facts) {
  const [state, setState] = useState({ preview: null, fault: null });
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      link().query("notices.preview_template", { channel, language, facts }, { signal: abort.signal }).then(
        (preview) => setState({ preview, fault: null }),
        (fault) => abort.signal.aborted || setState((before) => ({ ...before, fault })),
      );
    }, TYPED_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [channel, language, facts.subject, facts.body]);
  return state;
}
