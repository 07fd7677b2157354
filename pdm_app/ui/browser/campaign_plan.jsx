/* What a campaign would do if it began now: who gets it, who does not and why, how long it takes, and how many bytes. */
import { skippedBy } from "./campaigns.js";
import { duration, number, size } from "./format.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";

const CODES_SHOWN_MAX = 12;

export function CampaignPlan({ plan: { answer, error, again } }) {
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("campaigns.plan")}</h2>
        <button type="button" className="button button-small push" onClick={again}>{t("campaigns.plan_again")}</button>
      </header>
      {error && <ErrorNote what={t("campaigns.plan_failed")} error={error} again={again} />}
      {!answer && !error && <Skeleton height={120} />}
      {answer && !error && (
        <>
          <p className="campaign-said">{t("campaigns.plan_of", { eligible: answer.eligible, skipped: answer.skipped, bytes: size(answer.bytes), span: duration(answer.phases.at(-1)?.end_s ?? 0) })}</p>
          <Timeline phases={answer.phases} />
          {answer.skipped > 0 && <Skipped devices={answer.devices} />}
          <p className="caption">{answer.assumptions}</p>
        </>
      )}
    </section>
  );
}

function Timeline({ phases }) {
  const whole = phases.at(-1)?.end_s || 1;
  return (
    <ul className="campaign-timeline">
      {phases.map((phase, index) => (
        <li key={index}>
          <div>
            <span className="strong">{phase.name}</span>
            <div className="caption">{t("campaigns.plan_phase", { count: phase.devices, bytes: size(phase.bytes) })}</div>
          </div>
          <div className="campaign-lane" aria-hidden="true">
            {phase.devices > 0 && <span style={{ marginLeft: `${(100 * phase.begin_s) / whole}%`, width: `${(100 * (phase.end_s - phase.begin_s)) / whole}%` }} />}
          </div>
          <span className="caption">{phase.devices > 0 ? t("campaigns.plan_span", { begin: duration(phase.begin_s), end: duration(phase.end_s) }) : t("campaigns.plan_empty")}</span>
        </li>
      ))}
    </ul>
  );
}

function Skipped({ devices }) {
  return (
    <div>
      <h3>{t("campaigns.left_out")}</h3>
      <ul className="campaign-skipped">
        {skippedBy(devices).map(({ why, codes }) => (
          <li key={why}>
            <span>{why}</span>
            <span className="caption"><span className="strong">{number(codes.length)}</span> <span className="code">{codes.slice(0, CODES_SHOWN_MAX).join(", ")}{codes.length > CODES_SHOWN_MAX && ", …"}</span></span>
          </li>
        ))}
      </ul>
    </div>
  );
}
