/* The shift as the operator's tablet shows it: does the line run, how much was made, why it stopped, and the handover. */
import { useEffect, useState } from "react";
import { duration, hourMinute, number } from "./format.js";
import { guarded } from "./guard.jsx";
import { useNow, useQuery, useZone } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { Counts } from "./production_counts.jsx";
import { Handovers } from "./production_handover.jsx";
import { RunningOrder } from "./production_orders.jsx";
import { isStop } from "./production_minute.jsx";
import { Stops } from "./production_stops.jsx";
import { LIVE_EVERY_MS, percent, ROUNDS_PER_LIST, stateName } from "./production_words.js";

const LINE_KEPT = "pdm.shift.line"; // A tablet stands at one line.

export const ProductionShift = guarded(function ProductionShift({ siteId = "", mayRecord = false }) {
  const shifts = useQuery("shifts.show", siteId ? { site_id: siteId } : null);
  const [round, setRound] = useState(0);
  const [line, setLine] = useState("");
  useEffect(() => {
    setLine(globalThis.localStorage?.getItem(LINE_KEPT) ?? "");
    const timer = setInterval(() => document.visibilityState === "visible" && setRound((count) => count + 1), LIVE_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const shift = shifts.answer ? shifts.answer.now ?? shifts.answer.before : null;
  const span = shift ? { begin_at: shift.begin_at, end_at: shift.end_at } : null;
  const lines = useQuery("production.overview", span ? { site_id: siteId, ...span } : null);
  if (!siteId) return <section className="card"><EmptyNote title={t("production.no_site")} /></section>;
  const failed = [shifts, lines].find((each) => each.error && !each.answer);
  if (failed) return <section className="card"><ErrorNote what={t("production.failed")} error={failed.error} again={failed.again} /></section>;
  if (shifts.answer && !shift) return <section className="card"><EmptyNote title={t("production.no_shifts")} text={t("production.no_shifts_hint")} /></section>;
  if (!lines.answer) return <section className="card"><Skeleton height={240} /></section>;
  if (lines.answer.length === 0) return <section className="card"><EmptyNote title={t("production.empty")} text={t("production.empty_hint")} /></section>;
  const chosen = lines.answer.find((each) => each.line_id === line) ?? lines.answer.at(-1);
  const choose = (id) => { globalThis.localStorage?.setItem(LINE_KEPT, id); setLine(id); };
  return (
    <div className="stack shift-view">
      <div className="segments" role="group" aria-label={t("production.line")}>
        {lines.answer.map((each) => <button key={each.line_id} type="button" className="segment tall" aria-pressed={each === chosen} onClick={() => choose(each.line_id)}>{each.name}</button>)}
      </div>
      <Line key={chosen.line_id} siteId={siteId} lineId={chosen.line_id} shift={shift} span={span} round={round} mayRecord={mayRecord} />
      <Handovers siteId={siteId} mayRecord={mayRecord} />
    </div>
  );
});

function Line({ siteId, lineId, shift, span, round, mayRecord }) {
  const zone = useZone();
  const { answer, error, again } = useQuery("production.line", { line_id: lineId, ...span });
  const tree = useQuery("production.reasons", { site_id: siteId }).answer ?? [];
  const [changes, setChanges] = useState(0);
  const [enters, setEnters] = useState(false);
  useEffect(() => { if (round || changes) again(); }, [round, changes]);
  if (error && !answer) return <section className="card"><ErrorNote what={t("production.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={200} /></section>;
  const { overview, machines } = answer;
  const { totals, figures } = overview.period;
  const changed = () => setChanges((count) => count + 1);
  return (
    <>
      <section className="card stack">
        <header className="card-head">
          <h2>{overview.name}</h2>
          <span className="caption push">{shift.name} {shift.crew} · {hourMinute(span.begin_at, zone)}–{hourMinute(span.end_at, zone)}</span>
        </header>
        {machines.filter((machine) => overview.rated_by.includes(machine.code)).map((machine) => <Now key={machine.asset_id} machine={machine} />)}
        <RunningOrder siteId={siteId} lineId={lineId} round={Math.floor(round / ROUNDS_PER_LIST)} mayRecord={mayRecord} />
        <dl className="shift-figures">
          <div><dt>{t("production.good_pieces")}</dt><dd>{number(totals.good)}</dd></div>
          <div><dt>{t("production.scrap_pieces")}</dt><dd>{number(totals.scrap)}</dd></div>
          <div><dt>{t("production.kpi", { kpi: "oee" })}</dt><dd>{percent(figures.oee)}</dd></div>
          <div><dt>{t("production.target_oee")}</dt><dd>{percent(overview.target_oee)}</dd></div>
        </dl>
        {mayRecord && <div className="note-actions"><button type="button" className="button tall" onClick={() => setEnters(true)}>{t("production.enter_pieces")}</button></div>}
      </section>
      <Stops lineId={lineId} span={span} round={Math.floor(round / ROUNDS_PER_LIST) + changes} reasons={tree} mayRecord={mayRecord} onSaid={changed} />
      {enters && <Counts siteId={siteId} lineId={lineId} machines={machines} span={span} onClose={() => setEnters(false)} onChanged={changed} />}
    </>
  );
}

/** Whether a machine runs; a stop says since when, and asks why. */
function Now({ machine }) {
  const now = useNow();
  const since = now === null ? 0 : Math.max(0, (now - machine.state_since) / 1e6);
  const stands = isStop(machine.state);
  const asked = machine.state === "down" || machine.state === "idle";
  return (
    <p className="shift-now" data-stands={stands} role={asked ? "status" : undefined}>
      <span className="code">{machine.code}</span> <strong>{stateName(machine.state)}</strong> {duration(since)}
      {asked && <a className="link push" href="#stops">{t("production.which_reason")}</a>}
    </p>
  );
}
