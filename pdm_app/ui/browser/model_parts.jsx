/* One version of a model: what it learned from, what it would have said of the past, and what is decided about it. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { useEvery } from "./campaign_parts.jsx";
import { Field } from "./form_parts.jsx";
import { duration, number } from "./format.js";
import { useNow, useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorHistogram, LossCurve, ReplayChart, shiftWords } from "./model_charts.jsx";
import { EmptyNote, Moment } from "./parts.jsx";
import { actsOf, DAY_US, fitsRows, inForce, isUnderWay, SPANS_D } from "./training.js";
import { JobProgress } from "./training_jobs.jsx";

const LOOK_EVERY_MS = 1_000;
const SHARES = new Set(["fitted_above_share", "held_out_above_share"]);

export const stateOf = (version) => t("models.state", { state: version.state });

/** The card: detector, signals, rows, threshold; with loss, errors and figures of its training. */
export function VersionFacts({ version }) {
  const { card, training } = version;
  return (
    <div className="stack">
      <dl className="model-facts">
        <div><dt>{t("models.detector")}</dt><dd>{t("training.detector", { detector: card.kind })}</dd></div>
        <div><dt>{t("models.learned")}</dt><dd>{t("models.learned_rows", { fitted: number(card.fitted_rows), held_out: number(card.held_out_rows) })}</dd></div>
        <div><dt>{t("models.of_time")}</dt><dd>{training.begin_at > 0 ? <><Moment at={training.begin_at} /> – <Moment at={training.end_at} /></> : "–"}</dd></div>
        <div><dt>{t("models.left_out")}</dt><dd>{t("models.rows", { rows: number(training.excluded_rows) })}</dd></div>
        <div><dt>{t("models.window")}</dt><dd>{t("models.window_rows", { rows: card.window_rows, span: duration(card.window_rows * card.row_s) })}</dd></div>
        <div><dt>{t("models.rule")}</dt><dd>{t("training.rule", { rule: card.alarm.rule })}</dd></div>
        <div><dt>{t("models.took")}</dt><dd>{training.took_s > 0 ? duration(Math.ceil(training.took_s)) : "–"}</dd></div>
        <div><dt>{t("models.graph")}</dt><dd className="code">{version.graph_sha256.slice(0, 12)}</dd></div>
      </dl>
      <p><span className="caption">{t("models.signals")}</span> {card.signals.map((name) => <span key={name} className="chip">{name}</span>)}</p>
      <div className="model-charts">
        <LossCurve loss={training.loss} />
        <ErrorHistogram bars={training.histogram} />
      </div>
      {Object.keys(training.metrics).length > 0 && (
        <dl className="model-facts" aria-label={t("models.metrics")}>
          {Object.entries(training.metrics).map(([metric, value]) => (
            <div key={metric}><dt>{t("models.metric", { metric })}</dt><dd>{SHARES.has(metric) ? t("models.percent", { percent: number(100 * value, 1) }) : number(value, 3)}</dd></div>
          ))}
        </dl>
      )}
    </div>
  );
}

/** The replay of the past: asked for, under way, and what it has shown at each place of the threshold. */
export function VersionReplay({ version, rights, onChanged }) {
  const mayTrain = rights.includes("models.train");
  const jobs = useQuery("training.jobs", mayTrain ? { asset_id: version.asset_id } : null);
  const newest = (jobs.answer ?? []).find((job) => job.kind === "backtest" && job.version_id === version.id);
  const runs = newest && isUnderWay(newest);
  useEvery(runs ? LOOK_EVERY_MS : 0, jobs.again);
  const done = newest?.state === "done" ? newest.id : "";
  useEffect(() => {
    if (done) onChanged();
  }, [done]); // eslint-disable-line react-hooks/exhaustive-deps -- once, when it is done
  return (
    <div className="stack">
      {version.backtest ? <Shown key={version.backtest.made_at} backtest={version.backtest} /> : <p className="muted">{t("models.no_backtest")}</p>}
      {runs && <JobProgress job={newest} onChanged={jobs.again} />}
      {newest?.state === "failed" && <p className="act-error" role="alert">{newest.problem}</p>}
      {mayTrain && !runs && <AskReplay version={version} onAsked={jobs.again} />}
    </div>
  );
}

function AskReplay({ version, onAsked }) {
  const { run, busy, error } = useAct();
  const now = useNow();
  const [days, setDays] = useState(30);
  const ask = () => run(async () => {
    const end_at = Math.floor(now / 60e6) * 60e6;
    await link().mutate("training.backtest", { version_id: version.id, span: { start_at: end_at - days * DAY_US, end_at } });
    onAsked();
  });
  return (
    <div className="training-ask">
      <Field as="select" label={t("models.replay_over")} value={days} onChange={(event) => setDays(Number(event.target.value))}>
        {SPANS_D.filter((each) => fitsRows(each, version.card.row_s)).map((each) => <option key={each} value={each}>{t("training.last_days", { count: each })}</option>)}
      </Field>
      <button type="button" className={version.backtest ? "button" : "button button-primary"} disabled={busy || now === null} onClick={ask}>{t("models.replay_start")}</button>
      <ActError error={error} />
    </div>
  );
}

function Shown({ backtest }) {
  const { points } = backtest;
  const [place, setPlace] = useState(() => inForce(points));
  const point = points[place];
  return (
    <>
      <p className="caption">
        {t("models.replayed", { rows: number(backtest.judged_rows), days: number((backtest.end_at - backtest.begin_at) / DAY_US, 1), who: backtest.made_by })}{" "}
        <Moment at={backtest.made_at} />
      </p>
      <ReplayChart backtest={backtest} point={point} />
      <label className="field">
        <span className="field-label">{t("models.slider")}</span>
        <input type="range" className="model-slider" min={0} max={points.length - 1} step={1} value={place} aria-valuetext={shiftWords(point.shift)} onChange={(event) => setPlace(Number(event.target.value))} />
        <span className="caption">{shiftWords(point.shift)}</span>
      </label>
      <dl className="model-facts" role="status">
        <div><dt>{t("models.false_alarms")}</dt><dd className="strong">{point.false_per_month === null ? "–" : number(point.false_per_month, 1)}</dd></div>
        <div><dt>{t("models.forewarning")}</dt><dd className="strong">{point.forewarning_s === null ? "–" : duration(point.forewarning_s)}</dd></div>
        <div><dt>{t("models.seen_missed")}</dt><dd className="strong">{backtest.failures === 0 ? t("models.no_failures") : t("models.seen_of", { seen: point.seen, all: backtest.failures })}</dd></div>
        <div><dt>{t("models.alarm_count")}</dt><dd className="strong">{number(point.alarms)}</dd></div>
      </dl>
      {(backtest.troubles.length > 0 || point.episodes.length > 0) && (
        <details>
          <summary>{t("models.as_table")}</summary>
          <div className="table-scroll" tabIndex={0} role="region" aria-label={t("models.as_table")}>
            <table className="table">
              <thead><tr><th>{t("models.what")}</th><th>{t("models.began")}</th><th>{t("models.ended")}</th><th>{t("models.verdict")}</th></tr></thead>
              <tbody>
                {backtest.troubles.map((each, at) => (
                  <tr key={`f${each.begin_at}`}><td>{each.name}</td><td><Moment at={each.begin_at} /></td><td><Moment at={each.end_at} /></td><td>{t("models.failure_was", { seen: String(Boolean(point.is_seen[at])) })}</td></tr>
                ))}
                {point.episodes.map((each) => (
                  <tr key={`a${each.begin_at}`}><td>{t("models.alarm_of", { peak: number(each.peak, 2) })}</td><td><Moment at={each.begin_at} /></td><td><Moment at={each.end_at} /></td><td>{t("models.alarm_was", { false: String(each.is_false) })}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </>
  );
}

/** What can be decided about a version now: as a shadow, in force, back, out of use; each with a reason that is kept. */
export function VersionDecision({ version, versions, rights, onChanged }) {
  const [reason, setReason] = useState("");
  const { run, busy, error } = useAct();
  const acts = actsOf(version, versions);
  const decide = (act) => run(async () => {
    await link().mutate("models.decide", { version_id: version.id, act, revision: version.revision, reason });
    setReason("");
    onChanged();
  });
  return (
    <div className="stack">
      <p role="status"><span className="chip" data-state={version.state}>{stateOf(version)}</span> {t("models.means", { state: version.state })}</p>
      <p className="caption">{t("models.since_by", { who: version.state_by })} <Moment at={version.state_at} />{version.reason && <> · {version.reason}</>}</p>
      {!rights.includes("models.promote") && <EmptyNote title={t("models.may_not")} text={t("models.may_not_hint")} />}
      {rights.includes("models.promote") && (
        <>
          <Field label={t("models.reason")} hint={t("models.reason_hint")} maxLength={2000} value={reason} autoComplete="off" onChange={(event) => setReason(event.target.value)} />
          <div className="note-actions">
            {acts.map(({ act, why }, place) => (
              <button key={act} type="button" className={place === 0 ? "button button-primary" : "button"} disabled={busy || why !== ""} onClick={() => decide(act)}>{t("models.act", { act })}</button>
            ))}
          </div>
          {acts.some(({ why }) => why === "backtest") && <p className="caption">{t("models.needs_backtest")}</p>}
          <ActError error={error} />
        </>
      )}
    </div>
  );
}
