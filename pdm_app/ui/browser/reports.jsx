/* Reports: what is kept, when each is made next, what was made, and what became of the messages that carried it. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { ReportForm } from "./report_form.jsx";

const PAGE = 25;
const FOLLOWED_MS = 10_000;
const NEW_REPORT = {
  name: "", template: "alarm_kpi", parts: [], period: "week", format: "pdf", paper: "a4", schedule: null, recipient_ids: [], kept_days: 400,
};

export const Reports = guarded(function Reports({ siteId = "", mayConfigure = false, mayAudit = false }) {
  const { answer, error, again } = useQuery("reports.list", siteId ? { site_id: siteId } : null);
  const [open, setOpen] = useState(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && again(), FOLLOWED_MS);
    return () => clearInterval(timer);
  }, []);
  const changed = () => { again(); setRound((before) => before + 1); };
  if (!siteId) return <section className="card"><EmptyNote title={t("reports.no_site")} /></section>;
  if (error && !answer) return <section className="card"><ErrorNote what={t("reports.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={120} /></section>;
  if (open) {
    return (
      <ReportForm
        key={open.report?.id ?? "new"} report={open.report ?? { ...NEW_REPORT, site_id: siteId }} mayConfigure={mayConfigure} mayAudit={mayAudit}
        onClose={() => { setOpen(null); changed(); }}
      />
    );
  }
  return (
    <div className="stack">
      <section className="card stack">
        <header className="card-head">
          <h2>{t("reports.kept")}</h2>
          {mayConfigure && <button type="button" className="button button-primary push" onClick={() => setOpen({})}>{t("reports.add")}</button>}
        </header>
        {answer.length === 0 && <EmptyNote title={t("reports.empty")} text={t("reports.empty_hint")} />}
        {answer.length > 0 && (
          <table className="table people-table">
            <thead><tr><th>{t("reports.report")}</th><th>{t("reports.when")}</th><th>{t("reports.next")}</th><th>{t("reports.newest")}</th><th>{t("reports.recipients")}</th><th>{t("reports.do")}</th></tr></thead>
            <tbody>
              {answer.map((view) => <ReportRow key={view.report.id} view={view} mayConfigure={mayConfigure} onOpen={() => setOpen(view)} onMade={changed} />)}
            </tbody>
          </table>
        )}
      </section>
      <History key={`${siteId} ${round}`} siteId={siteId} />
    </div>
  );
});

function ReportRow({ view, mayConfigure, onOpen, onMade }) {
  const { report, newest } = view;
  const { run, busy, error } = useAct();
  const [said, setSaid] = useState("");
  const make = (path) => run(async () => {
    setSaid("");
    const copy = await link().mutate(path, { report_id: report.id });
    setSaid(copy.problem || t(path === "reports.test" ? "reports.sent_to_you" : "reports.made", { count: copy.message_ids.length }));
    onMade();
  });
  return (
    <tr>
      <td>
        <button type="button" className="link" onClick={onOpen}>{report.name}</button>
        <div className="caption">{t("reports.template", { template: report.template })} · {t("reports.format", { format: report.format })}</div>
      </td>
      <td data-label={t("reports.when")}>{view.words || t("reports.by_hand")}</td>
      <td data-label={t("reports.next")}>{view.next_at.length > 0 ? <Moment at={view.next_at[0]} /> : "–"}</td>
      <td data-label={t("reports.newest")}>{newest ? <CopyLink copy={newest} /> : "–"}</td>
      <td data-label={t("reports.recipients")}>{t("reports.people", { count: report.recipient_ids.length })}</td>
      <td data-label={t("reports.do")}>
        <div className="note-actions">
          {mayConfigure && <button type="button" className="button button-small" disabled={busy} onClick={() => make("reports.make")}>{t("reports.make")}</button>}
          <button type="button" className="button button-small" disabled={busy} onClick={() => make("reports.test")}>{t("reports.test")}</button>
        </div>
        <ActError error={error} />
        {said && <p className="caption" role="status">{said}</p>}
      </td>
    </tr>
  );
}

const fileOf = (copy) => `/api/reports/${copy.id}`; // A file, not a page.

/** A copy that can be fetched, or why there is none. */
function CopyLink({ copy, children }) {
  if (copy.state === "failed") return <span className="field-error">{t("reports.not_made")}</span>;
  return <a className="link" href={fileOf(copy)} download={copy.file_name}>{children ?? <Moment at={copy.made_at} />}</a>;
}

function History({ siteId }) {
  const [limit, setLimit] = useState(PAGE);
  const [open, setOpen] = useState(null);
  const { answer, error, again } = useQuery("reports.copies", { site_id: siteId, limit });
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("reports.history")}</h2></header>
      {error && !answer && <ErrorNote what={t("reports.failed")} error={error} again={again} />}
      {!answer && !error && <Skeleton height={80} />}
      {answer?.length === 0 && <EmptyNote title={t("reports.none_made")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("reports.made_at")}</th><th>{t("reports.report")}</th><th>{t("reports.file")}</th><th>{t("reports.sent")}</th></tr></thead>
          <tbody>
            {answer.map((copy) => (
              <tr key={copy.id}>
                <td data-label={t("reports.made_at")}><Moment at={copy.made_at} /><div className="caption">{t("reports.made_by", { name: copy.made_by })}</div></td>
                <td>
                  <button type="button" className="link" onClick={() => setOpen(copy)}>{copy.name}</button>
                  {copy.missed > 0 && <div className="caption">{t("reports.missed", { count: copy.missed })}</div>}
                  {copy.problem && <div className="caption" style={{ overflowWrap: "anywhere" }}>{copy.problem}</div>}
                </td>
                <td data-label={t("reports.file")}><CopyLink copy={copy}>{t("reports.fetch")}</CopyLink>{copy.bytes > 0 && <div className="caption">{t("reports.size", { size: number(copy.bytes / 1000, 0) })}</div>}</td>
                <td data-label={t("reports.sent")}>{t("reports.messages", { count: copy.message_ids.length })}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {answer?.length === limit && limit < 200 && <button type="button" className="button" onClick={() => setLimit(200)}>{t("notices.more")}</button>}
      {open && <Sheet title={open.name} onClose={() => setOpen(null)} side><CopyFacts copyId={open.id} /></Sheet>}
    </section>
  );
}

/** A copy with its checksum and the receipt of each message. */
function CopyFacts({ copyId }) {
  const { answer, error, again } = useQuery("reports.copy", { copy_id: copyId });
  if (error && !answer) return <ErrorNote what={t("reports.failed")} error={error} again={again} />;
  if (!answer) return <Skeleton height={120} />;
  const { copied, deliveries } = answer;
  return (
    <div className="stack">
      <dl className="definition">
        <dt>{t("reports.made_at")}</dt><dd><Moment at={copied.made_at} /></dd>
        {copied.start_at > 0 && <><dt>{t("reports.period")}</dt><dd><Moment at={copied.start_at} /> – <Moment at={copied.end_at} /></dd></>}
        {copied.state === "done" && <><dt>{t("reports.file")}</dt><dd style={{ overflowWrap: "anywhere" }}><a className="link" href={fileOf(copied)} download={copied.file_name}>{copied.file_name}</a></dd></>}
        {copied.sha256 && <><dt>SHA-256</dt><dd className="code caption" style={{ overflowWrap: "anywhere" }}>{copied.sha256}</dd></>}
        <dt>{t("reports.kept_until")}</dt><dd><Moment at={copied.kept_until} /></dd>
      </dl>
      {copied.problem && <p className="note note-error" data-compact="true">{copied.problem}</p>}
      {deliveries.length === 0 && <p className="muted">{t("reports.nobody")}</p>}
      {deliveries.map((delivery) => (
        <div key={delivery.address} className="stack">
          <strong>{delivery.name || delivery.address}</strong>
          <span className="caption code" style={{ overflowWrap: "anywhere" }}>{delivery.address}</span>
          <span>{t("reports.delivery", { state: delivery.state })} {delivery.sent_at && <Moment at={delivery.sent_at} />}</span>
          {(delivery.problem || delivery.reply) && <span className="caption" style={{ overflowWrap: "anywhere" }}>{delivery.problem || delivery.reply}</span>}
        </div>
      ))}
    </div>
  );
}
