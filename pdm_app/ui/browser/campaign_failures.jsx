/* What failed in a campaign, by cause; each can be tried again, or left out of what is counted. */
import { useAct } from "./acknowledge.jsx";
import { isOver } from "./campaigns.js";
import { Refusal, messageOf } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote } from "./parts.jsx";

const CODES_SHOWN_MAX = 8;

export function CampaignFailures({ detail, mayAct, onChanged }) {
  const { campaign, actions, codes, failures } = detail;
  const { run, busy, error } = useAct();
  const codeOf = new Map(actions.map((action) => [action.id, codes[action.device_id] ?? "–"]));
  const act = (step, ids) => run(async () => {
    await link().mutate(`campaigns.${step}`, { campaign_id: campaign.id, action_ids: ids });
    onChanged();
  });
  const mayRetry = mayAct && campaign.state !== "aborted";
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("campaigns.failures")}</h2></header>
      {failures.length === 0 && <EmptyNote title={t("campaigns.no_failures")} />}
      <Refusal message={messageOf(error)} />
      {failures.map((failure) => (
        <div key={`${failure.failure} ${failure.is_retried}`} className="campaign-failure">
          <div className="campaign-failure-head">
            <span className="strong">{t("campaigns.failure_of", { failure: failure.failure })}</span>
            <span className="caption push">{t("campaigns.devices_count", { count: failure.action_ids.length })}</span>
          </div>
          {failure.details.map((words) => <p key={words} className="muted wraps">{words}</p>)}
          <p className="caption code wraps">{failure.action_ids.slice(0, CODES_SHOWN_MAX).map((id) => codeOf.get(id)).join(", ")}{failure.action_ids.length > CODES_SHOWN_MAX && ", …"}</p>
          {failure.is_retried && <p className="caption">{t("campaigns.tries_itself")}</p>}
          {mayRetry && (
            <div className="note-actions">
              {!failure.is_retried && <button type="button" className="button button-small" disabled={busy} title={t("campaigns.retry_hint")} onClick={() => act("retry", failure.action_ids)}>{t("campaigns.retry_these")}</button>}
              {!isOver(campaign) && <button type="button" className="button button-small" disabled={busy} title={t("campaigns.exclude_hint")} onClick={() => act("exclude", failure.action_ids)}>{t("campaigns.exclude_these")}</button>}
            </div>
          )}
        </div>
      ))}
    </section>
  );
}
