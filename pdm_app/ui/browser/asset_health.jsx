/* How one machine is doing: score and health now and before, signals behind it, how long it lasts, what to do, what stood out. */
import { useEffect } from "react";
import { Sentences } from "./copilot_answer.jsx";
import { useSignals } from "./directory.js";
import { day, duration, number, quantity } from "./format.js";
import { guarded } from "./guard.jsx";
import { useNow, useQuery, useZone } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";
import { niceTicks, timeTicks } from "./ticks.js";
import { DAY_US } from "./training.js";
import { useWidth } from "./width.js";

const LOOK_EVERY_MS = 30_000; // A row of a model is a minute.
const BEFORE_D = 30;
const BUCKETS = 240;
const HEIGHT = 180;
const LEFT = 50;
const ANOMALIES = 20;

export const AssetHealth = guarded(function AssetHealth({ assetId = "", siteId = "", rights = [] }) {
  const fleet = useQuery("health.fleet", siteId ? { site_id: siteId } : null);
  const anomalies = useQuery("health.anomalies", assetId ? { asset_id: assetId, limit: ANOMALIES } : null);
  const models = useQuery("models.list", assetId ? { asset_id: assetId } : null);
  const signals = useSignals(assetId);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && [fleet, anomalies].forEach((each) => each.again()), LOOK_EVERY_MS);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `again` only counts
  }, []);
  const nameOf = new Map(signals.map((signal) => [signal.id, signal]));
  if (fleet.error && !fleet.answer) return <section className="card"><ErrorNote what={t("asset_health.failed")} error={fleet.error} again={fleet.again} /></section>;
  if (!fleet.answer) return <section className="card"><Skeleton height={200} /></section>;
  const views = fleet.answer.filter((view) => view.verdict.asset_id === assetId);
  return (
    <div className="stack training">
      {views.length === 0 && (
        <section className="card">
          <EmptyNote title={t("asset_health.no_model")} text={t("health.empty_hint")}>
            {rights.includes("models.train") && <Go to={`/models/train?asset=${assetId}`} className="button button-primary">{t("health.train")}</Go>}
          </EmptyNote>
        </section>
      )}
      {views.map((view) => <Verdict key={view.verdict.id} view={view} nameOf={nameOf} models={models.answer ?? []} />)}
      {views.map((view) => view.verdict.outlook && <Life key={view.verdict.id} outlook={view.verdict.outlook} signal={nameOf.get(view.verdict.outlook.signal_id)} />)}
      {rights.includes("history.read") && rights.includes("alarms.read") && <Advice assetId={assetId} />}
      <Anomalies anomalies={anomalies} nameOf={nameOf} />
      <Models models={models} assetId={assetId} mayTrain={rights.includes("models.train")} />
    </div>
  );
});

function Verdict({ view, nameOf, models }) {
  const { verdict } = view;
  const model = models.find((each) => each.model.id === verdict.model_id)?.model;
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("asset_health.now")}</h2>{model && <Go to={`/models/${model.id}`} className="link push">{model.name}</Go>}</header>
      <dl className="model-facts">
        <div><dt>{t("health.health")}</dt><dd className="strong">{verdict.health === null ? "–" : t("asset_health.of_100", { health: number(verdict.health) })}</dd></div>
        <div><dt>{t("asset_health.score")}</dt><dd className="strong">{verdict.score === null ? "–" : t("models.times", { times: number(verdict.score, 2) })}</dd></div>
        <div><dt>{t("asset_health.confidence")}</dt><dd>{verdict.confidence === null ? "–" : t("models.percent", { percent: number(100 * verdict.confidence) })}</dd></div>
        <div><dt>{t("health.judged")}</dt><dd>{verdict.judged_until ? <Moment at={verdict.judged_until} /> : "–"}</dd></div>
        {view.waiting_cost !== null && <div><dt>{t("health.waiting")}</dt><dd>{number(view.waiting_cost)} {view.currency}</dd></div>}
      </dl>
      <p role="status">{t("asset_health.verdict", { verdict: verdict.verdict, unusual: String(verdict.is_unusual) })} {verdict.problem}</p>
      {verdict.shares.length > 0 && (
        <ul className="health-shares" aria-label={t("health.contributors")}>
          {verdict.shares.map((each) => (
            <li key={each.signal_id}>
              <Go to={`/trends?s=${each.signal_id}`}>{nameOf.get(each.signal_id)?.label ?? each.signal_id}</Go>
              <span className="health-share" aria-hidden="true"><span style={{ width: `${100 * each.share}%` }} /></span>
              <span>{t("models.percent", { percent: number(100 * each.share) })}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** The wear reading with the fan of when it reaches its limit; or why there is no number. */
function Life({ outlook, signal }) {
  const now = useNow();
  const zone = useZone();
  const [box, width] = useWidth(480);
  const end = Math.floor((now ?? 0) / 3600e6) * 3600e6;
  const past = useQuery("history.envelope", now === null ? null : { signals: [outlook.signal_id], start_at: end - BEFORE_D * DAY_US, end_at: end, buckets: BUCKETS });
  const isKnown = outlook.state === "known" && outlook.middle_s !== null;
  const series = past.answer?.series[0];
  return (
    <section className="card stack" ref={box}>
      <h2>{t("health.life")}</h2>
      <p>
        <span className="strong">{isKnown ? duration(outlook.middle_s) : t("asset_health.no_life", { state: outlook.state })}</span>
        {isKnown && <span className="muted"> {t("asset_health.between", { low: duration(outlook.low_10_s), high: outlook.high_90_s === null ? t("asset_health.longer") : duration(outlook.high_90_s) })}</span>}
      </p>
      <p className="caption">{t("asset_health.until", { signal: signal?.label ?? "", limit: quantity(outlook.limit, 2, signal?.unit ?? ""), source: outlook.source })}</p>
      {series && series.at.length > 1 && <Fan outlook={outlook} series={series} from={end - BEFORE_D * DAY_US} width={width} zone={zone} isKnown={isKnown} />}
    </section>
  );
}

function Fan({ outlook, series, from, width, zone, isKnown }) {
  const furthest = isKnown ? Math.min(60 * 86_400, outlook.high_90_s ?? 2 * outlook.middle_s) : 0;
  const to = outlook.at + Math.max(furthest * 1e6, DAY_US);
  const known = series.mean.filter((value) => value !== null);
  const ticks = niceTicks(Math.min(0, ...known), Math.max(outlook.limit * 1.05, ...known), 4);
  const inner = Math.max(60, width - LEFT - 8);
  const x = (at) => LEFT + ((Math.min(at, to) - from) / (to - from)) * inner;
  const y = (value) => 6 + (1 - (value - ticks[0]) / (ticks.at(-1) - ticks[0])) * (HEIGHT - 6);
  const reading = outlook.reading ?? known.at(-1);
  const at = (seconds) => `${x(outlook.at + seconds * 1e6).toFixed(1)} ${y(outlook.limit).toFixed(1)}`;
  const begin = `${x(outlook.at).toFixed(1)} ${y(reading).toFixed(1)}`;
  const line = series.at.map((time, place) => (series.mean[place] === null ? null : `${x(time).toFixed(1)} ${y(series.mean[place]).toFixed(1)}`)).filter(Boolean).join("L");
  return (
    <figure className="model-chart">
      <svg width={width} height={HEIGHT + 22} role="img" aria-label={t("asset_health.fan", { limit: number(outlook.limit, 2), now: number(reading, 2) })}>
        {ticks.map((tick) => (
          <g key={tick}><path className="chart-grid" d={`M${LEFT} ${y(tick)}H${LEFT + inner}`} /><text className="chart-label" x={LEFT - 8} y={y(tick) + 4} textAnchor="end">{String(tick)}</text></g>
        ))}
        {isKnown && <path className="health-fan" d={`M${begin}L${at(outlook.low_10_s)}L${at(furthest)}Z`} />}
        {isKnown && <path className="health-middle" d={`M${begin}L${at(outlook.middle_s)}`} />}
        <path className="chart-line" d={`M${line}`} />
        <path className="chart-limit" d={`M${LEFT} ${y(outlook.limit)}H${LEFT + inner}`} />
        <path className="chart-now" d={`M${x(outlook.at)} 6V${HEIGHT}`} />
        {timeTicks(from, to, Math.max(2, Math.floor(inner / 80))).map((tick) => <text key={tick} className="chart-label" x={x(tick)} y={HEIGHT + 18} textAnchor="middle">{day(tick, zone)}</text>)}
      </svg>
    </figure>
  );
}

/** What to do and by when, with what looked alike before: the copilot's answer, with its sources. */
function Advice({ assetId }) {
  const { answer, error, again } = useQuery("copilot.ask", assetId ? { text: t("asset_health.question"), asset_id: assetId } : null);
  return (
    <section className="card stack">
      <h2>{t("asset_health.advice")}</h2>
      {error && !answer && <ErrorNote what={t("asset_health.advice_failed")} error={error} again={again} compact />}
      {!answer && !error && <Skeleton height={60} />}
      {answer && <Sentences answer={answer} />}
    </section>
  );
}

function Anomalies({ anomalies, nameOf }) {
  const { answer, error, again } = anomalies;
  return (
    <section className="card stack">
      <h2>{t("health.anomalies")}</h2>
      {error && !answer && <ErrorNote what={t("asset_health.failed")} error={error} again={again} compact />}
      {answer?.length === 0 && <p className="muted">{t("asset_health.none")}</p>}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("health.began")}</th><th>{t("health.ended")}</th><th>{t("health.peak")}</th><th>{t("health.contributors")}</th></tr></thead>
          <tbody>
            {answer.map((each) => (
              <tr key={each.id}>
                <td><Moment at={each.begin_at} /></td>
                <td data-label={t("health.ended")}>{each.end_at === null ? t("health.goes_on") : <Moment at={each.end_at} />}</td>
                <td data-label={t("health.peak")}>{t("models.times", { times: number(each.peak, 2) })}</td>
                <td data-label={t("health.contributors")}>{each.shares.map((share) => nameOf.get(share.signal_id)?.label ?? share.signal_id).join(", ") || "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Models({ models, assetId, mayTrain }) {
  const views = models.answer ?? [];
  if (!views.length) return null;
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("health.models")}</h2>{mayTrain && <Go to={`/models/train?asset=${assetId}`} className="button push">{t("health.train")}</Go>}</header>
      <ul className="stack">
        {views.map((view) => {
          const champion = view.versions.find((version) => version.state === "champion");
          return <li key={view.model.id}><Go to={`/models/${view.model.id}`}>{view.model.name}</Go> <span className="caption">{champion ? t("asset_health.in_force", { number: champion.number }) : t("asset_health.none_in_force")}</span></li>;
        })}
      </ul>
    </section>
  );
}
