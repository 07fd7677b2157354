/* What failed in a campaign, by cause; each can be tried again, or left out of what is counted. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { isOver } from "./campaigns.js";
import { Refusal, Sheet, messageOf } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote } from "./parts.jsx";

const CODES_SHOWN_MAX = 8;

export function CampaignFailures({ detail, mayAct, onChanged }) {
  const { campaign, actions, codes, failures } = detail;
  const [asked, setAsked] = useState(null); // {step, ids}
  const codeOf = new Map(actions.map((action) => [action.id, codes[action.device_id] ?? "–"]));
  const mayRetry = mayAct && campaign.state !== "aborted";
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("campaigns.failures")}</h2></header>
      {failures.length === 0 && <EmptyNote title={t("campaigns.no_failures")} />}
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
              {!failure.is_retried && <button type="button" className="button button-small" onClick={() => setAsked({ step: "retry", ids: failure.action_ids })}>{t("campaigns.retry_these")}</button>}
              {!isOver(campaign) && <button type="button" className="button button-small" onClick={() => setAsked({ step: "exclude", ids: failure.action_ids })}>{t("campaigns.exclude_these")}</button>}
            </div>
          )}
        </div>
      ))}
      {asked && <AskSheet campaign={campaign} {...asked} onClose={() => setAsked(null)} onDone={() => { setAsked(null); onChanged(); }} />}
    </section>
  );
}

/** What trying again, or leaving out, leads to; and the word that it may. */
function AskSheet({ campaign, step, ids, onClose, onDone }) {
  const { run, busy, error } = useAct();
  const words = t(step === "retry" ? "campaigns.retry_these" : "campaigns.exclude_these");
  const act = () => run(async () => {
    await link().mutate(`campaigns.${step}`, { campaign_id: campaign.id, action_ids: ids });
    onDone();
  });
  return (
    <Sheet title={words} onClose={onClose}>
      <p>{t("campaigns.devices_count", { count: ids.length })}. {t(step === "retry" ? "campaigns.retry_hint" : "campaigns.exclude_hint")}</p>
      <Refusal message={messageOf(error)} />
      <div className="note-actions">
        <button type="button" className="button button-primary" disabled={busy} onClick={act}>{words}</button>
        <button type="button" className="button" onClick={onClose}>{t("action.cancel")}</button>
      </div>
    </Sheet>
  );
}
