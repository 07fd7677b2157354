/* The home of those who lead: are the lines on plan, what did the last week cost and why, what is owed, is the alarm
   system calm. Each figure leads to the page that explains it. */
import { useEffect, useState } from "react";
import { duration, number, signed } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery, useZone } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Skeleton } from "./parts.jsx";
import { Bar } from "./production.jsx";
import { lossName, percent } from "./production_words.js";

const WEEK_US = 7 * 86_400_000_000;
const MINUTE_US = 60_000_000;
const DAYS = 7;
const LOSSES_SHOWN = 5;

export const Operations = guarded(function Operations({ siteId = "" }) {
  const [end, setEnd] = useState(null);
  useEffect(() => {
    const follow = () => setEnd(Math.ceil((Date.now() * 1_000) / MINUTE_US) * MINUTE_US);
    follow();
    const timer = setInterval(() => document.visibilityState === "visible" && follow(), 60_000);
    return () => clearInterval(timer);
  }, []);
  const lines = useQuery("production.overview", siteId && end ? { site_id: siteId, begin_at: end - WEEK_US, end_at: end } : null);
  if (!siteId) return <section className="card"><EmptyNote title={t("production.no_site")} /></section>;
  return (
    <div className="stack">
      <Lines asked={lines} />
      <div className="production-two">
        <Losses asked={lines} />
        <div className="stack">
          <Risk siteId={siteId} />
          <Calm siteId={siteId} />
        </div>
      </div>
    </div>
  );
});

function Card({ title, to, link: words, asked, height, children }) {
  return (
    <section className="card stack">
      <header className="card-head"><h2>{title}</h2><span className="push"><Go to={to}>{words}</Go></span></header>
      {asked.error && !asked.answer && <ErrorNote what={t("operations.failed")} error={asked.error} again={asked.again} compact />}
      {!asked.answer && !asked.error && <Skeleton height={height} />}
      {asked.answer && children(asked.answer)}
    </section>
  );
}

function Lines({ asked }) {
  return (
    <Card title={t("operations.lines")} to="/production?span=week" link={t("operations.to_production")} asked={asked} height={160}>
      {(lines) => (
        <>
          {lines.length === 0 && <EmptyNote title={t("production.empty")} text={t("production.empty_hint")} />}
          <div className="operations-lines">
            {lines.map((line) => {
              const { oee } = line.period.figures;
              const before = line.week_before.figures.oee;
              return (
                <div key={line.line_id} className="stack" data-line={line.line_id}>
                  <Go to={`/production?line=${encodeURIComponent(line.line_id)}&span=week`}>{line.name}</Go>
                  <strong className="oee-middle">{percent(oee)}</strong>
                  <Bar value={oee} target={line.target_oee} />
                  <span className="caption">
                    {line.target_oee !== null && oee !== null ? t("operations.against_target", { points: signed((oee - line.target_oee) * 100, 1) }) : t("operations.no_target")}
                    {before !== null && oee !== null ? ` · ${t("operations.against_week", { points: signed((oee - before) * 100, 1) })}` : ""}
                  </span>
                </div>
              );
            })}
          </div>
        </>
      )}
    </Card>
  );
}

/** What was lost in the week, by loss over all lines, the dearest first. */
function Losses({ asked }) {
  return (
    <Card title={t("operations.losses")} to="/production/setup" link={t("operations.to_prices")} asked={asked} height={200}>
      {(lines) => {
        const sums = new Map();
        for (const line of lines) {
          for (const bar of line.period.waterfall) {
            if (bar.cost === null || bar.seconds <= 0) continue;
            const known = sums.get(bar.loss) ?? { loss: bar.loss, cost: 0, seconds: 0, worst: null };
            const worst = known.worst === null || bar.cost > known.worst.cost ? { name: line.name, cost: bar.cost } : known.worst;
            sums.set(bar.loss, { ...known, cost: known.cost + bar.cost, seconds: known.seconds + bar.seconds, worst });
          }
        }
        const ordered = [...sums.values()].sort((one, other) => other.cost - one.cost);
        const whole = ordered.reduce((sum, each) => sum + each.cost, 0);
        if (ordered.length === 0) return <EmptyNote title={t("operations.no_prices")} text={t("operations.no_prices_hint")} />;
        return (
          <>
            <p className="oee-middle">{number(whole)} {lines[0].currency}</p>
            <ol className="pareto">
              {ordered.slice(0, LOSSES_SHOWN).map((each) => (
                <li key={each.loss}>
                  <div className="pareto-words"><span>{lossName(each.loss)}</span><span className="caption">{t("operations.most_on", { name: each.worst.name })}</span></div>
                  <div className="pareto-words">
                    <span className="pareto-bar" style={{ width: `${(each.cost / ordered[0].cost) * 50}%` }} aria-hidden="true" />
                    <strong>{number(each.cost)} {lines[0].currency}</strong>
                    <span className="caption push">{duration(each.seconds)}</span>
                  </div>
                </li>
              ))}
            </ol>
          </>
        );
      }}
    </Card>
  );
}

/** What open maintenance events are expected to cost. */
function Risk({ siteId }) {
  const asked = useQuery("maintenance.events", { site_id: siteId, limit: 100 });
  return (
    <Card title={t("operations.risk")} to="/cases" link={t("operations.to_cases")} asked={asked} height={80}>
      {(page) => (
        <>
          {page.totals.length === 0 && <p className="muted">{t("operations.no_risk")}</p>}
          {page.totals.map((total) => (
            <dl key={total.currency} className="oee-factors">
              <div><dt>{t("operations.exposed", { count: total.open })}</dt><dd>{number(total.open_cost)} {total.currency}</dd></div>
              <div><dt>{t("operations.resolved", { count: total.resolved })}</dt><dd>{number(total.resolved_cost)} {total.currency}</dd></div>
            </dl>
          ))}
        </>
      )}
    </Card>
  );
}

/** Whether people can answer the alarms they get. */
function Calm({ siteId }) {
  const zone = useZone();
  const asked = useQuery("alarms.scorecard", { days: DAYS, zone, site_id: siteId });
  return (
    <Card title={t("operations.alarms")} to="/alarms/kpi" link={t("operations.to_alarms")} asked={asked} height={80}>
      {(card) => {
        // A journal of minutes says nothing of a day.
        const perDay = card.days < 1 ? null : card.figures.find((figure) => figure.key === "per_day");
        return (
          <dl className="oee-factors">
            <div><dt>{t("operations.per_day")}</dt><dd>{perDay?.value == null ? "—" : number(perDay.value, 1)}</dd></div>
            <div><dt>{t("operations.rating")}</dt><dd>{t("kpi.rating_of", { rating: perDay?.rating ?? "unknown" })}</dd></div>
          </dl>
        );
      }}
    </Card>
  );
}
