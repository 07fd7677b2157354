/* What may be done with a campaign now: each step says what it leads to before it is gone. */
import { useState } from "react";
import { useNavigate } from "react-router";
import { useAct } from "./acknowledge.jsx";
import { latest, stepsOf, tally, underWay, waitsForAnother } from "./campaigns.js";
import { Field, Refusal, Sheet, messageOf } from "./form_parts.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";

const PRIMARY = ["approve", "start", "resume"];
const WITHOUT_REASON = ["start", "retry"];

export function CampaignActs({ detail, plan, rights, username, onChanged }) {
  const { campaign, actions } = detail;
  const [step, setStep] = useState(null);
  const navigate = useNavigate();
  const steps = stepsOf(campaign, actions, rights, username);
  const done = (answer) => {
    setStep(null);
    onChanged();
    if (answer.id !== campaign.id) navigate(`/firmware/campaign/${answer.id}`); // The way back is a campaign of its own.
  };
  return (
    <>
      {waitsForAnother(campaign, username) && <p className="note" data-compact="true">{t("campaigns.second_person_note")}</p>}
      {steps.length > 0 && (
        <div className="note-actions">
          {steps.map((each) => (
            <button key={each} type="button" className={`button ${PRIMARY.includes(each) ? "button-primary" : ""}`} onClick={() => setStep(each)}>{t("campaigns.step_of", { step: each })}</button>
          ))}
        </div>
      )}
      {step && <StepSheet step={step} detail={detail} plan={plan} onClose={() => setStep(null)} onDone={done} />}
    </>
  );
}

function StepSheet({ step, detail, plan, onClose, onDone }) {
  const { campaign, actions } = detail;
  const [reason, setReason] = useState("");
  const { run, busy, error } = useAct();
  const send = (event) => {
    event.preventDefault();
    const more = WITHOUT_REASON.includes(step) ? {} : { reason: reason.trim() };
    run(async () => onDone(await link().mutate(`campaigns.${step}`, { campaign_id: campaign.id, ...more })));
  };
  const now = latest(actions);
  const { waiting, loading, installing } = underWay(now);
  const words = {
    step, name: campaign.name, waiting, loading, installing, failed: tally(now).failed, succeeded: tally(now).succeeded,
    eligible: plan?.eligible ?? 0, skipped: plan?.skipped ?? 0, first: plan?.phases[0]?.devices ?? 0,
  };
  return (
    <Sheet title={t("campaigns.step_of", { step })} onClose={onClose}>
      <form className="entrance-form" onSubmit={send}>
        <p>{t("campaigns.consequence_of", words)}</p>
        {!WITHOUT_REASON.includes(step) && <Field label={t("firmware.why")} hint={t("firmware.why_hint")} maxLength={500} autoComplete="off" value={reason} onChange={(event) => setReason(event.target.value)} />}
        <Refusal message={messageOf(error)} />
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={busy}>{t("campaigns.step_of", { step })}</button>
          <button type="button" className="button" onClick={onClose}>{t("action.cancel")}</button>
        </div>
      </form>
    </Sheet>
  );
}
