/* The phases of a campaign: how far each is, device by device, and what it takes to go on. */
import { stateWords } from "./campaign_parts.jsx";
import { TONES, phasesOf } from "./campaigns.js";
import { exact, number } from "./format.js";
import { t } from "./messages.js";

const CELLS_MAX = 60;
const MARKS = { bad: "×", back: "↩", again: "↻" };

export function CampaignPhases({ detail }) {
  const { campaign, actions, codes } = detail;
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("campaigns.phases")}</h2></header>
      <ol className="campaign-phases">
        {phasesOf(campaign, actions).map(({ phase, actions: ours, tally, standing }, index) => (
          <li key={index} data-standing={standing} aria-current={standing === "open" ? "step" : undefined}>
            <div>
              <span className="strong">{phase.name}</span> <span className="caption">{t("campaigns.standing_of", { standing })}</span>
              <div className="caption">{ours.length ? t("campaigns.succeeded_of", { succeeded: tally.succeeded, devices: tally.devices }) : sizeWords(phase)}</div>
              <div className="caption">{t("campaigns.goes_on", { success: exact(phase.success_percent), sample: phase.sample_min, next: index === campaign.phases.length - 1 ? "last" : phase.on_success })}</div>
              <div className="caption">{t("campaigns.stops", { error: exact(phase.error_percent), then: phase.on_error })}</div>
            </div>
            <ul className="campaign-cells">
              {ours.slice(0, CELLS_MAX).map((action) => {
                const code = codes[action.device_id] ?? "–";
                return <li key={action.id} className="campaign-tone code" data-tone={TONES[action.state]} title={`${code}: ${stateWords(action.state)}`}><span aria-hidden="true">{MARKS[TONES[action.state]]}</span>{code}<span className="visually-hidden">: {stateWords(action.state)}</span></li>;
              })}
              {ours.length > CELLS_MAX && <li className="caption">{t("campaigns.more_devices", { count: number(ours.length - CELLS_MAX) })}</li>}
            </ul>
          </li>
        ))}
      </ol>
    </section>
  );
}

function sizeWords(phase) {
  if (phase.devices !== null) return t("campaigns.devices_count", { count: phase.devices });
  return phase.percent !== null ? t("campaigns.percent_of", { percent: exact(phase.percent) }) : t("campaigns.the_rest");
}
