/* How good the alarm system is: the figures of ISA-18.2 with their targets, the worst rules, and when it was busy. */
import { useState } from "react";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { AlarmHeat } from "./alarm_heat.jsx";
import { useQuery, useZone } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";

const PERIODS_D = [1, 7, 30, 90];
const SHARES = new Set(["busy_hours", "busy_periods", "in_flood", "top_ten"]);
const ENOUGH_D = 30;

const said = (key, value) => (value === null ? "–" : SHARES.has(key) ? `${number(value * 100, 1)} %` : number(value, value % 1 ? 1 : 0));

export const AlarmKpi = guarded(function AlarmKpi({ siteId = "" }) {
  const [days, setDays] = useState(30);
  const zone = useZone();
  const asked = siteId ? { days, zone, site_id: siteId } : { days, zone };
  const { answer, error, again } = useQuery("alarms.scorecard", asked);
  const rules = useQuery("alarms.rules", {}).answer;
  if (error && !answer) return <section className="card"><ErrorNote what={t("kpi.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={240} /></section>;
  const known = new Map((rules ?? []).map((rule) => [rule.id, rule]));
  return (
    <div className="stack">
      <div className="segments" role="group" aria-label={t("kpi.period")}>
        {PERIODS_D.map((each) => (
          <button key={each} type="button" className="segment" aria-pressed={days === each} onClick={() => setDays(each)}>{t("kpi.days", { count: each })}</button>
        ))}
      </div>
      <p className="muted" role="status">
        {t("kpi.of_data", { days: number(answer.days, 1), count: answer.annunciated })} {answer.days < ENOUGH_D && t("kpi.early")} {answer.is_cut && t("kpi.cut")}
      </p>
      <section className="card">
        <header className="card-head"><h2>{t("kpi.figures")}</h2></header>
        <div className="table-scroll">
          <table className="table kpi">
            <thead><tr><th>{t("kpi.figure")}</th><th className="right">{t("kpi.value")}</th><th className="right">{t("kpi.target")}</th><th className="right">{t("kpi.most")}</th><th>{t("kpi.rating")}</th></tr></thead>
            <tbody>
              {answer.figures.map((figure) => (
                <tr key={figure.key} data-figure={figure.key} data-rating={figure.rating}>
                  <td>{t("kpi.figure_of", { key: figure.key })}</td>
                  <td className="right strong">{said(figure.key, figure.value)}</td>
                  <td className="right">{said(figure.key, figure.target)}</td>
                  <td className="right">{said(figure.key, figure.most)}</td>
                  <td>{t("kpi.rating_of", { rating: figure.rating })}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section className="card">
        <header className="card-head"><h2>{t("kpi.priorities")}</h2></header>
        <table className="table">
          <thead><tr><th colSpan={2}>{t("journal.priority")}</th><th className="right">{t("kpi.count")}</th><th className="right">{t("kpi.share")}</th><th className="right">{t("kpi.target")}</th></tr></thead>
          <tbody>
            {answer.priorities.map((each) => (
              <tr key={each.priority}>
                <td className="kpi-shape"><PriorityShape priority={each.priority} state="acked" size={18} /></td>
                <td>{t("alarm.priority_name", { priority: each.priority })}</td>
                <td className="right">{number(each.count)}</td>
                <td className="right strong">{number(each.share * 100, 1)} %</td>
                <td className="right muted">{t("kpi.share_target", { share: number(each.target * 100) })}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section className="card">
        <header className="card-head"><h2>{t("kpi.bad_actors")}</h2></header>
        {answer.bad_actors.length === 0 ? <EmptyNote title={t("kpi.no_alarms")} text={t("kpi.no_alarms_text")} /> : (
          <div className="table-scroll">
            <table className="table">
              <thead><tr><th>{t("journal.alarm")}</th><th className="right">{t("kpi.count")}</th><th className="right">{t("kpi.share")}</th><th>{t("kpi.advice")}</th></tr></thead>
              <tbody>
                {answer.bad_actors.map((actor) => (
                  <tr key={actor.rule_id}>
                    <td>{known.get(actor.rule_id)?.name ?? (actor.rule_id.startsWith("system.") ? t("about.check", { name: actor.rule_id.slice(7) }) : t("kpi.rule_gone"))}</td>
                    <td className="right">{number(actor.count)}</td>
                    <td className="right">{number(actor.share * 100, 1)} %</td>
                    <td>{t("kpi.advice_of", { advice: actor.advice })}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {answer.heat && <AlarmHeat heat={answer.heat} />}
      <Busy counts={answer.per_hour} />
    </div>
  );
});

/* One bar for each hour, newest at the right; the words say what the drawing shows. */
function Busy({ counts }) {
  const shown = counts.slice(-168);
  const most = Math.max(1, ...shown);
  return (
    <section className="card">
      <header className="card-head"><h2>{t("kpi.busy")}</h2></header>
      <svg className="kpi-hours" viewBox={`0 0 ${shown.length * 4} 64`} preserveAspectRatio="none" role="img" aria-label={t("kpi.busy_label", { hours: shown.length, most: Math.max(0, ...shown) })}>
        {shown.map((count, index) => <rect key={index} x={index * 4} width="3" y={64 - (count / most) * 60} height={(count / most) * 60} />)}
      </svg>
    </section>
  );
}
