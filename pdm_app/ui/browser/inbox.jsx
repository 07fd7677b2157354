/* The demo's inbox: what its notices would have sent, looked through like mail. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Field, Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { codeOf, link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";

const PAGE = 50;
const LOOK_EVERY_MS = 3_000;
const TYPED_MS = 300;
const KINDS = ["email", "sms", "webhook"];

export const Inbox = guarded(function Inbox({ mayClear = false }) {
  const [wanted, setWanted] = useState({ text: "", channel: null });
  const [limit, setLimit] = useState(PAGE);
  const { answer, error, again } = useQuery("inbox.messages", { query: { ...wanted, limit } });
  const [open, setOpen] = useState(null);
  const { run, busy, error: refusal } = useAct();
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && again(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const clear = () => run(async () => {
    await link().mutate("inbox.clear");
    again();
  });
  if (codeOf(error) === "NOT_FOUND") return <section className="card"><EmptyNote title={t("inbox.none")} text={t("inbox.none_hint")} /></section>;
  return (
    <section className="card stack">
      <p className="note" data-compact="true">{t("inbox.simulated")}</p>
      <Filters onWant={(next) => { setWanted(next); setLimit(PAGE); }}>
        {mayClear && <button type="button" className="button push" disabled={busy || !answer?.length} onClick={clear}>{t("inbox.clear")}</button>}
      </Filters>
      <ActError error={refusal} />
      {!answer && (error ? <ErrorNote what={t("inbox.failed")} error={error} again={again} /> : <Skeleton height={120} />)}
      {answer?.length === 0 && (
        wanted.text || wanted.channel
          ? <EmptyNote title={t("inbox.not_found")} />
          : <EmptyNote title={t("inbox.empty")} text={t("inbox.empty_hint")} />
      )}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("inbox.arrived")}</th><th>{t("inbox.message")}</th><th>{t("inbox.to")}</th></tr></thead>
          <tbody>
            {answer.map((caught) => (
              <tr key={caught.id}>
                <td data-label={t("inbox.arrived")}><Moment at={caught.at} /></td>
                <td>
                  <button type="button" className="link" onClick={() => setOpen(caught)}>{caught.subject || firstLine(caught.body)}</button>
                  <div className="caption">{t("notices.channel", { kind: caught.channel })}</div>
                </td>
                <td data-label={t("inbox.to")} className="code caption">{caught.to}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {answer?.length === limit && limit < 200 && <button type="button" className="button" onClick={() => setLimit(200)}>{t("notices.more")}</button>}
      {open && (
        <Sheet title={open.subject || t("notices.channel", { kind: open.channel })} onClose={() => setOpen(null)} side>
          <dl className="definition">
            <dt>{t("inbox.arrived")}</dt><dd><Moment at={open.at} /></dd>
            <dt>{t("inbox.from")}</dt><dd className="code">{open.sender || "–"}</dd>
            <dt>{t("inbox.to")}</dt><dd className="code">{open.to}</dd>
          </dl>
          <Words body={open.body} />
          {open.copy_id && <p><a className="button" href={reportOf(open)} download>{t("inbox.report")}</a></p>}
        </Sheet>
      )}
    </section>
  );
});

const reportOf = (caught) => `/api/reports/${caught.copy_id}`; // A file, not a page.
const firstLine = (body) => body.split("\n", 1)[0].slice(0, 120) || "–";

/** The search box waits until somebody has stopped typing. */
function Filters({ onWant, children }) {
  const [said, setSaid] = useState({ text: "", channel: "" });
  useEffect(() => {
    const timer = setTimeout(() => onWant({ text: said.text.trim(), channel: said.channel || null }), TYPED_MS);
    return () => clearTimeout(timer);
  }, [said.text, said.channel]);
  return (
    <div className="form-row">
      <Field type="search" label={t("inbox.search")} maxLength={120} value={said.text} onChange={(event) => setSaid({ ...said, text: event.target.value })} />
      <Field as="select" label={t("inbox.channel")} value={said.channel} onChange={(event) => setSaid({ ...said, channel: event.target.value })}>
        <option value="">{t("inbox.every_channel")}</option>
        {KINDS.map((kind) => <option key={kind} value={kind}>{t("notices.channel", { kind })}</option>)}
      </Field>
      {children}
    </div>
  );
}

/** The text of a message; a link to this product can be followed, every other address is plain words. */
function Words({ body }) {
  const own = `${location.origin}/`;
  return (
    <pre className="message-body">
      {body.split(/(https?:\/\/\S+)/).map((part, place) => (part.startsWith(own) ? <a key={place} className="link" href={part}>{part}</a> : part))}
    </pre>
  );
}
