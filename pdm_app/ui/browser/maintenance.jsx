/* Maintenance: events that are open or resolved with what they cost, cases, and the rules that open events. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { CaseFacts, CaseForm, CaseList } from "./cases.jsx";
import { usePlaces } from "./directory.js";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { MaintenanceRules } from "./maintenance_rules.jsx";
import { Evidence, Lasting, money, SeverityWord } from "./maintenance_parts.jsx";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";

const VIEWS = ["open", "resolved", "cases", "rules"];
const SEVERITIES = ["critical", "high", "medium"];
const LOOK_EVERY_MS = 10_000; // Rules open events at any time; a page that stands open shows them.

/** The case that the address names, such as /cases?case=…; a notice or another page leads there. */
const caseOfAddress = () => new URLSearchParams(globalThis.location?.search ?? "").get("case");

export const Maintenance = guarded(function Maintenance({ siteId = "", mayWrite = false, mayConfigure = false }) {
  const [view, setView] = useState(() => (caseOfAddress() ? "cases" : "open"));
  const [open, setOpen] = useState(() => (caseOfAddress() ? { kind: "case", id: caseOfAddress() } : null));
  const [round, setRound] = useState(0);
  const places = usePlaces();
  const close = () => setOpen(null);
  const changed = () => setRound((before) => before + 1);
  const machines = [...places.values()].filter((place) => !siteId || place.site.id === siteId).map((place) => place.asset);
  return (
    <div className="stack">
      <div className="signal-tools">
        <div className="segments" role="group" aria-label={t("maintenance.views")}>
          {VIEWS.map((each) => (
            <button key={each} type="button" className="segment" aria-pressed={view === each} onClick={() => setView(each)}>{t("maintenance.view", { view: each })}</button>
          ))}
        </div>
        {mayWrite && view !== "rules" && (
          <span className="note-actions push">
            {view !== "cases" && <button type="button" className="button" onClick={() => setOpen({ kind: "report" })}>{t("maintenance.report")}</button>}
            <button type="button" className="button button-primary" onClick={() => setOpen({ kind: "new_case" })}>{t("cases.open")}</button>
          </span>
        )}
      </div>
      {(view === "open" || view === "resolved") && <Events key={`${view} ${round}`} siteId={siteId} isOpen={view === "open"} places={places} onShow={(event) => setOpen({ kind: "event", event })} />}
      {view === "cases" && <CaseList key={round} siteId={siteId} places={places} onShow={(found) => setOpen({ kind: "case", id: found.id })} />}
      {view === "rules" && <MaintenanceRules siteId={siteId} mayConfigure={mayConfigure} places={places} machines={machines} />}
      {open?.kind === "report" && (
        <Sheet title={t("maintenance.report")} onClose={close}><ReportForm machines={machines} onDone={() => { close(); changed(); }} /></Sheet>
      )}
      {open?.kind === "new_case" && (
        <Sheet title={t("cases.open")} onClose={close}>
          <CaseForm machines={machines} event={open.event} onDone={(found) => { changed(); setView("cases"); setOpen({ kind: "case", id: found.id }); }} />
        </Sheet>
      )}
      {open?.kind === "event" && (
        <Sheet title={open.event.name} onClose={close} side>
          <EventFacts key={open.event.id} first={open.event} places={places} mayWrite={mayWrite} onChanged={changed} onCase={(event) => setOpen({ kind: "new_case", event })} />
        </Sheet>
      )}
      {open?.kind === "case" && (
        <Sheet title={t("cases.case")} onClose={close} side>
          <CaseFacts key={open.id} id={open.id} places={places} mayWrite={mayWrite} onChanged={changed} />
        </Sheet>
      )}
    </div>
  );
});

function Events({ siteId, isOpen, places, onShow }) {
  const asked = { site_id: siteId || null, is_open: isOpen, limit: 100 };
  const { answer, error, again } = useQuery("maintenance.events", asked);
  const [older, setOlder] = useState([]);
  const { run, busy, error: refused } = useAct();
  useEffect(() => {
    const timer = setInterval(again, LOOK_EVERY_MS);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `again` only counts
  }, []);
  if (error && !answer) return <section className="card"><ErrorNote what={t("maintenance.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={120} /></section>;
  const before = older.length ? older.at(-1).before : answer.before;
  const more = () => run(async () => setOlder([...older, await link().query("maintenance.events", { ...asked, before })]));
  const events = [...answer.events, ...older.flatMap((page) => page.events)];
  return (
    <>
      <Totals totals={answer.totals} />
      <section className="card">
        {events.length === 0 && <EmptyNote title={t("maintenance.empty", { open: String(isOpen) })} text={t("maintenance.empty_hint")} />}
        {events.length > 0 && (
          <table className="table people-table">
            <thead><tr><th>{t("maintenance.event")}</th><th>{t("maintenance.machine")}</th><th>{t("maintenance.how_bad")}</th><th>{t("maintenance.since")}</th><th>{t("maintenance.cost")}</th></tr></thead>
            <tbody>
              {events.map((event) => (
                <tr key={event.id}>
                  <td>
                    <button type="button" className="link" onClick={() => onShow(event)}>{event.name}</button>
                    {!isOpen && <div className="caption">{t("maintenance.resolved_by", { who: event.resolved_by })}, <Moment at={event.resolved_at} /></div>}
                  </td>
                  <td data-label={t("maintenance.machine")} className="code">{places.get(event.asset_id)?.asset.code ?? event.asset_id}</td>
                  <td data-label={t("maintenance.how_bad")}><SeverityWord severity={event.severity} /></td>
                  <td data-label={t("maintenance.since")}><Lasting event={event} /></td>
                  <td data-label={t("maintenance.cost")}>{money(event.cost, event.currency)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <ActError error={refused} />
        {before && <div className="note-actions"><button type="button" className="button" disabled={busy} onClick={more}>{t("maintenance.more")}</button></div>}
      </section>
    </>
  );
}

/** What is at risk and what was spent, by currency. */
function Totals({ totals }) {
  if (!totals.length) return null;
  return (
    <section className="card" aria-label={t("maintenance.totals")}>
      {totals.map((total) => (
        <p key={total.currency} role="status">
          <span className="strong">{money(total.open_cost, total.currency)}</span> {t("maintenance.at_risk", { count: total.open })}
          {total.resolved > 0 && <> · {money(total.resolved_cost, total.currency)} {t("maintenance.of_resolved", { count: total.resolved })}</>}
          {total.unpriced > 0 && <span className="muted"> · {t("maintenance.unpriced", { count: total.unpriced })}</span>}
        </p>
      ))}
    </section>
  );
}

function ReportForm({ machines, onDone }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      await link().mutate("maintenance.report", Object.fromEntries(["asset_id", "name", "severity", "note"].map((name) => [name, form.get(name)])));
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error, ["name"])} />
      <Field as="select" label={t("maintenance.machine")} name="asset_id" required>
        {machines.map((asset) => <option key={asset.id} value={asset.id}>{asset.code} {asset.name}</option>)}
      </Field>
      <Field label={t("maintenance.what")} name="name" required maxLength={120} autoComplete="off" error={faultOf(error, "name")} />
      <Field as="select" label={t("maintenance.how_bad")} name="severity" defaultValue="medium">
        {SEVERITIES.map((severity) => <option key={severity} value={severity}>{t("maintenance.severity", { severity })}</option>)}
      </Field>
      <Field as="textarea" label={t("maintenance.note")} name="note" maxLength={2000} />
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("maintenance.report")}</button></div>
    </form>
  );
}

/** One event: why it is there, what it may cost, and what was done. */
function EventFacts({ first, places, mayWrite, onChanged, onCase }) {
  const [event, setEvent] = useState(first);
  const { run, busy, error } = useAct();
  const change = (path, said) => run(async () => {
    setEvent(await link().mutate(path, { event_id: event.id, revision: event.revision, ...said }));
    onChanged();
  });
  const price = (submitted) => {
    submitted.preventDefault();
    const said = new FormData(submitted.currentTarget).get("cost").trim();
    change("maintenance.price", { cost: said === "" ? null : Number(said) });
  };
  const resolve = (submitted) => {
    submitted.preventDefault();
    change("maintenance.resolve", { resolution: new FormData(submitted.currentTarget).get("resolution") });
  };
  return (
    <div className="stack">
      <p><span className="code">{places.get(event.asset_id)?.asset.code ?? event.asset_id}</span> · <SeverityWord severity={event.severity} /> · <Lasting event={event} /></p>
      <Evidence event={event} />
      {event.note && <p>{event.note}</p>}
      <p>{t("maintenance.cost")}: <span className="strong">{money(event.cost, event.currency)}</span></p>
      {event.resolved_at !== null && <p>{t("maintenance.resolved_by", { who: event.resolved_by })}, <Moment at={event.resolved_at} />: {event.resolution}</p>}
      <ActError error={error} />
      {mayWrite && (
        <form className="entrance-form" key={event.revision} onSubmit={price}>
          <Field label={t("maintenance.cost_in", { currency: event.currency })} name="cost" type="number" min="0" max="1000000000000" step="0.01" defaultValue={event.cost ?? ""} hint={t("maintenance.cost_hint")} />
          <div className="note-actions"><button type="submit" className="button" disabled={busy}>{t("maintenance.price")}</button></div>
        </form>
      )}
      {mayWrite && event.resolved_at === null && (
        <form className="entrance-form" onSubmit={resolve}>
          <Field as="textarea" label={t("maintenance.resolution")} name="resolution" required maxLength={2000} />
          <div className="note-actions">
            <button type="submit" className="button button-primary" disabled={busy}>{t("maintenance.resolve")}</button>
            <button type="button" className="button" onClick={() => onCase(event)}>{t("cases.open")}</button>
          </div>
        </form>
      )}
    </div>
  );
}

/** The open events of one machine, for its own page; nothing where there are none. */
export const AssetMaintenance = guarded(function AssetMaintenance({ assetId }) {
  const { answer } = useQuery("maintenance.events", assetId ? { asset_id: assetId, is_open: true, limit: 5 } : null);
  if (!answer?.events.length) return null;
  const [total] = answer.totals;
  return (
    <section className="card">
      <header className="card-head"><h2>{t("maintenance.here")}</h2><a className="link push" href="/cases">{t("maintenance.all")}</a></header>
      <ul className="stack">
        {answer.events.map((event) => (
          <li key={event.id}>
            <p className={event.severity === "critical" ? "strong" : ""}>{event.name}</p>
            <p className="caption"><SeverityWord severity={event.severity} />, <Lasting event={event} />, {money(event.cost, event.currency)}</p>
          </li>
        ))}
      </ul>
      {total && total.open > answer.events.length && <p className="caption">{t("maintenance.and_more", { count: number(total.open - answer.events.length) })}</p>}
    </section>
  );
});
