/* One line over a time: its figures and why they are so, where the minutes went, for which reasons, and its states. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Sheet } from "./form_parts.jsx";
import { hourMinute, number } from "./format.js";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { Bar } from "./production.jsx";
import { StateBar, StateLegend, Waterfall } from "./production_charts.jsx";
import { Counts } from "./production_counts.jsx";
import { Minute } from "./production_minute.jsx";
import { Stops } from "./production_stops.jsx";
import { lossName, minutes, percent, reasonName, ROUNDS_PER_LIST } from "./production_words.js";

const FACTORS = ["oee", "availability", "performance", "quality"];
const OTHERS = ["nee", "teep", "utilisation_efficiency", "setup_ratio", "scrap_ratio", "first_pass_yield", "mtbf_s", "mttr_s", "throughput_per_h", "energy_per_good_kwh"];
const LISTED = new Set(["down", "idle", "setup", "starved", "blocked"]); // Minor stops are told as sums.
const STATES_US_MAX = 4 * 86_400_000_000;
const RATIOS = new Set([...FACTORS, "nee", "teep", "utilisation_efficiency", "setup_ratio", "scrap_ratio", "first_pass_yield", "allocation_efficiency", "technical_efficiency", "rework_ratio"]);

export const figureWords = (kpi, value) => {
  if (value === null) return "—";
  if (RATIOS.has(kpi)) return percent(value);
  if (kpi === "energy_per_good_kwh") return `${number(value, 3)} kWh`;
  return kpi.endsWith("_s") ? `${minutes(value)} min` : number(value, 1);
};

export function ProductionLine({ siteId, lineId, span, round, mayRecord, mayManage }) {
  const asked = { line_id: lineId, ...span };
  const { answer, error, again } = useQuery("production.line", asked);
  const [why, setWhy] = useState(null);
  const [changes, setChanges] = useState(0);
  const [minute, setMinute] = useState(null);
  const [only, setOnly] = useState(null);
  const [enters, setEnters] = useState(false);
  const tree = useQuery("production.reasons", { site_id: siteId }).answer ?? [];
  useEffect(() => { if (round || changes) again(); }, [round, changes]);
  if (error && !answer) return <section className="card"><ErrorNote what={t("production.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={320} /></section>;
  const { overview, machines, reasons, shifts } = answer;
  const { period } = overview;
  const changed = () => setChanges((count) => count + 1);
  const seldom = Math.floor(round / ROUNDS_PER_LIST) + changes;
  const pick = (reason) => {
    setOnly(reason);
    document.getElementById("stops")?.scrollIntoView({ block: "start" });
  };
  return (
    <div className="stack">
      <div className="production-head">
        <h2 className="production-title">{overview.name} <span className="aside">{t("production.rated_by", { machines: overview.rated_by.join(", ") })}</span></h2>
        {mayRecord && <button type="button" className="button push" onClick={() => setEnters(true)}>{t("production.enter_pieces")}</button>}
      </div>
      <Figures overview={overview} onWhy={setWhy} />
      <div className="production-two">
        <section className="card stack">
          <header className="card-head">
            <h2>{t("production.waterfall")}</h2>
            <span className="caption push">{t("production.adds_up", { minutes: minutes(period.calendar_s) })}</span>
          </header>
          <Waterfall period={period} chosen={overview.biggest?.loss} />
          <Money period={period} currency={overview.currency} />
        </section>
        <Pareto reasons={reasons} currency={overview.currency} onPick={pick} />
      </div>
      <div className="production-two">
        {span.end_at - span.begin_at <= STATES_US_MAX
          ? <States machines={machines} span={span} round={seldom} onPick={(machine, part) => setMinute({ machine, part })} />
          : <Shifts shifts={shifts} mayManage={mayManage} onChanged={changed} />}
        <Stops lineId={lineId} span={span} round={seldom} reasons={tree} only={only} onAll={() => setOnly(null)} mayRecord={mayRecord} onSaid={changed} onLook={(machine, part) => setMinute({ machine, part })} />
      </div>
      {span.end_at - span.begin_at <= STATES_US_MAX && <Shifts shifts={shifts} mayManage={mayManage} onChanged={changed} />}
      {minute && <Minute key={`${minute.machine.asset_id} ${minute.part.begin}`} {...minute} reasons={tree} mayRecord={mayRecord} onClose={() => setMinute(null)} onSaid={changed} />}
      {enters && <Counts siteId={siteId} lineId={lineId} machines={machines} span={span} onClose={() => setEnters(false)} onChanged={changed} />}
      {why && <Sheet title={t("production.kpi", { kpi: why })} onClose={() => setWhy(null)} side><Why asked={asked} kpi={why} /></Sheet>}
    </div>
  );
}

function Figures({ overview, onWhy }) {
  const { figures } = overview.period;
  const before = overview.week_before.figures;
  return (
    <section className="card stack">
      <div className="oee-row">
        {FACTORS.map((kpi) => (
          <div key={kpi} className="oee-cell" data-kpi={kpi}>
            <WhyButton kpi={kpi} onWhy={onWhy} />
            <strong className={kpi === "oee" ? "oee-big" : "oee-middle"}>{percent(figures[kpi])}</strong>
            <Bar value={figures[kpi]} target={kpi === "oee" ? overview.target_oee : null} />
            <span className="caption">
              {kpi === "oee" && overview.target_oee !== null && `${t("production.target", { target: percent(overview.target_oee) })}, `}
              {t("production.last_week", { value: percent(before[kpi]) })}
            </span>
          </div>
        ))}
      </div>
      {figures.is_fast && <p className="note" data-compact="true">{t("production.too_fast")}</p>}
      {figures.lacks_cycle && <p className="note" data-compact="true">{t("production.lacks_cycle")}</p>}
      <dl className="oee-factors oee-others">
        {OTHERS.map((kpi) => (
          <div key={kpi}><dt><WhyButton kpi={kpi} onWhy={onWhy} /></dt><dd>{figureWords(kpi, figures[kpi])}</dd></div>
        ))}
      </dl>
    </section>
  );
}

const WhyButton = ({ kpi, onWhy }) => (
  <button type="button" className="link why" onClick={() => onWhy(kpi)} title={t("production.why")}>{t("production.kpi", { kpi })}</button>
);

/** The formula of a figure, what stands in it, and what was left out. */
function Why({ asked, kpi }) {
  const { answer, error, again } = useQuery("production.explain", { ...asked, kpi });
  if (error && !answer) return <ErrorNote what={t("production.failed")} error={error} again={again} />;
  if (!answer) return <Skeleton height={160} />;
  return (
    <div className="stack">
      <p className="oee-middle">{figureWords(kpi, answer.value)}</p>
      <p className="code">{answer.formula}</p>
      <dl className="definition">
        {answer.terms.map((term) => (
          <div key={term.symbol} className="definition-pair">
            <dt>{term.symbol}</dt>
            <dd>{term.unit === "s" ? `${minutes(term.value)} min` : term.unit === "" && term.value !== null && term.symbol.length === 1 ? percent(term.value) : `${number(term.value, term.unit === "kWh" ? 1 : 0)} ${term.unit}`}</dd>
          </div>
        ))}
      </dl>
      {Object.keys(answer.excluded_s).length > 0 && (
        <>
          <h3>{t("production.excluded")}</h3>
          <ul>{Object.entries(answer.excluded_s).map(([loss, seconds]) => <li key={loss}>{lossName(loss)}: {minutes(seconds)} min</li>)}</ul>
        </>
      )}
      {answer.cautions.map((caution) => <p key={caution} className="note" data-compact="true">{t("production.caution", { caution })}</p>)}
    </div>
  );
}

function Money({ period, currency }) {
  const priced = period.waterfall.filter((bar) => bar.cost !== null && bar.cost > 0);
  if (priced.length === 0) return null;
  const sum = priced.reduce((total, bar) => total + bar.cost, 0);
  const most = [...priced].sort((one, other) => other.cost - one.cost)[0];
  return <p className="caption">{t("production.money", { sum: number(sum), currency, loss: lossName(most.loss), most: number(most.cost) })}</p>;
}

function Pareto({ reasons, currency, onPick }) {
  const most = Math.max(...reasons.map((reason) => reason.seconds), 1);
  const whole = reasons.reduce((sum, reason) => sum + reason.seconds, 0);
  let sum = 0;
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("production.reasons")}</h2><span className="caption push">{t("production.in_all", { minutes: minutes(whole) })}</span></header>
      {reasons.length === 0 && <EmptyNote title={t("production.no_stops")} />}
      <ol className="pareto">
        {reasons.slice(0, 9).map((reason) => {
          sum += reason.seconds;
          return (
            <li key={`${reason.state} ${reason.reason_id}`}>
              <div className="pareto-words">{LISTED.has(reason.state) ? <button type="button" className="link" onClick={() => onPick(reason)}>{reasonName(reason, reason.state)}</button> : <span>{reasonName(reason, reason.state)}</span>}<span className="caption">{t("production.stop_count", { count: reason.count })}</span></div>
              <div className="pareto-words">
                <span className="pareto-bar" style={{ width: `${(reason.seconds / most) * 60}%` }} aria-hidden="true" />
                <strong>{minutes(reason.seconds)} min</strong>
                <span className="caption push">{reason.cost ? `${number(reason.cost)} ${currency} · ` : ""}{number((sum / whole) * 100)} %</span>
              </div>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function States({ machines, span, round, onPick }) {
  const zone = useZone();
  const end = Math.min(span.end_at, Math.max(...machines.map((machine) => machine.period.end_at), span.begin_at + 1));
  const hours = [0, 0.25, 0.5, 0.75, 1].map((part) => span.begin_at + (end - span.begin_at) * part);
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("production.states")}</h2></header>
      <StateLegend />
      <div className="state-rows">
        {machines.map((machine) => <StateRow key={machine.asset_id} machine={machine} beginAt={span.begin_at} endAt={end} round={round} onPick={onPick} />)}
        <div className="state-row"><span /><div className="state-hours">{hours.map((at) => <span key={at}>{hourMinute(at, zone)}</span>)}</div></div>
      </div>
    </section>
  );
}

function StateRow({ machine, beginAt, endAt, round, onPick }) {
  const { answer, again } = useQuery("production.timeline", { asset_id: machine.asset_id, begin_at: beginAt, end_at: Math.ceil(endAt / 60_000_000) * 60_000_000 });
  useEffect(() => { if (round) again(); }, [round]);
  return (
    <div className="state-row">
      <span className="state-name"><a className="link code" href={`/asset/${machine.asset_id}`}>{machine.code}</a> <span className="caption">{machine.is_constraint ? t("production.constraint") : ""}</span></span>
      {answer ? <StateBar timeline={answer} beginAt={beginAt} endAt={endAt} onPick={(part) => onPick(machine, part)} /> : <Skeleton height={16} />}
    </div>
  );
}

function Shifts({ shifts, mayManage, onChanged }) {
  const { run, busy, error } = useAct();
  const [asked, setAsked] = useState(null);
  const [reason, setReason] = useState("");
  const lock = (shift) => run(async () => { await link().mutate("production.lock", { shift_id: shift.shift_id }); onChanged(); });
  const unlock = () => run(async () => {
    await link().mutate("production.unlock", { shift_id: asked.shift_id, reason });
    setAsked(null);
    setReason("");
    onChanged();
  });
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("production.shifts")}</h2></header>
      <ActError error={error} />
      {shifts.length === 0 && <EmptyNote title={t("production.no_shifts")} />}
      <div className="table-scroll production-shifts">
        <table className="table">
          <tbody>
            {shifts.slice(0, 60).map((shift) => (
              <tr key={shift.shift_id}>
                <td><strong>{shift.name}</strong> <span className="caption">{shift.crew}</span><div className="caption"><Moment at={shift.begin_at} /></div></td>
                <td className="right strong">{percent(shift.oee)}</td>
                <td className="right">
                  {shift.is_locked && <span className="caption">{t("production.locked_by", { name: shift.locked_by })} </span>}
                  {mayManage && shift.known_to >= shift.end_at && (shift.is_locked
                    ? <button type="button" className="button button-small" disabled={busy} onClick={() => setAsked(shift)}>{t("production.unlock")}</button>
                    : <button type="button" className="button button-small" disabled={busy} onClick={() => lock(shift)}>{t("production.lock")}</button>)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {asked && (
        <Sheet title={t("production.unlock")} onClose={() => setAsked(null)}>
          <form className="stack" onSubmit={(event) => { event.preventDefault(); unlock(); }}>
            <label className="field"><span>{t("production.unlock_why")}</span><input className="input" value={reason} maxLength={2000} required onChange={(event) => setReason(event.target.value)} /></label>
            <ActError error={error} />
            <button type="submit" className="button button-primary" disabled={busy || !reason.trim()}>{t("production.unlock")}</button>
          </form>
        </Sheet>
      )}
    </section>
  );
}
