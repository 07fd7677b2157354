/* Trainings and replays: how far each is, what went wrong, and a way to stop it. */
import { ActError, useAct } from "./acknowledge.jsx";
import { number } from "./format.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { LossCurve } from "./model_charts.jsx";
import { Moment } from "./parts.jsx";
import { isUnderWay } from "./training.js";

const SHOWN = 8;

/** One job as it goes on. */
export function JobProgress({ job, onChanged }) {
  const { run, busy, error } = useAct();
  const cancel = () => run(async () => {
    await link().mutate("training.cancel", { job_id: job.id });
    onChanged();
  });
  const words = job.state === "waiting" ? t("training.waits") : t("training.stage", { stage: job.stage });
  return (
    <div className="stack" data-job={job.state}>
      <p role="status">{words}{job.rows > 0 && <span className="muted"> · {t("models.rows", { rows: number(job.rows) })}</span>}</p>
      <progress className="training-progress" max={1} {...(job.share > 0 ? { value: job.share } : {})} aria-label={words}>{number(100 * job.share)}</progress>
      <LossCurve loss={job.loss} />
      <div className="note-actions"><button type="button" className="button" disabled={busy} onClick={cancel}>{t("training.cancel")}</button></div>
      <ActError error={error} />
    </div>
  );
}

/** The newest jobs, so that one which was begun elsewhere, or before a reload, is found again. */
export function JobList({ jobs, places, onShow }) {
  if (!jobs.length) return null;
  return (
    <section className="card">
      <header className="card-head"><h2>{t("training.jobs")}</h2></header>
      <table className="table people-table">
        <thead><tr><th>{t("training.job")}</th><th>{t("training.machine")}</th><th>{t("training.state")}</th><th>{t("training.asked")}</th></tr></thead>
        <tbody>
          {jobs.slice(0, SHOWN).map((job) => (
            <tr key={job.id}>
              <td><button type="button" className="link" onClick={() => onShow(job)}>{t("training.kind", { kind: job.kind })}: {job.name}</button></td>
              <td data-label={t("training.machine")} className="code">{places.get(job.asset_id)?.asset.code ?? job.asset_id}</td>
              <td data-label={t("training.state")}>
                {t("training.job_state", { state: job.state })}
                {isUnderWay(job) && job.share > 0 && <span className="caption"> {t("models.percent", { percent: number(100 * job.share) })}</span>}
                {job.problem && <div className="caption">{job.problem}</div>}
              </td>
              <td data-label={t("training.asked")}><Moment at={job.asked_at} /> <span className="caption">{job.asked_by}</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
