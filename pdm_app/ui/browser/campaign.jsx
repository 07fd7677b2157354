/* One campaign: how its devices stand, its phases, why it stands as it does, what failed, and what may be done now. */
import { useLocation } from "react-router";
import { CampaignActs } from "./campaign_acts.jsx";
import { CampaignDevices } from "./campaign_devices.jsx";
import { CampaignFailures } from "./campaign_failures.jsx";
import { StateBar, StateChip, StateLegend, groupWords, releaseWords, useEvery } from "./campaign_parts.jsx";
import { CampaignPhases } from "./campaign_phases.jsx";
import { CampaignPlan } from "./campaign_plan.jsx";
import { errorPercent, isOver, latest, tally } from "./campaigns.js";
import { duration, exact, number, size } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { codeOf } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";

const ASKED_EVERY_MS = 3_000;
const ONCE_OVER_EVERY_MS = 15_000;
const BEFORE = ["draft", "approved"];

export const CampaignPage = guarded(function CampaignPage({ rights = [], username = "" }) {
  const id = decodeURIComponent(useLocation().pathname.split("/").filter(Boolean).at(-1) ?? "");
  const one = useQuery("campaigns.by_id", id ? { campaign_id: id } : null);
  const isMissing = one.error && codeOf(one.error) === "NOT_FOUND";
  useEvery(!one.answer || isMissing ? 0 : isOver(one.answer.campaign) ? ONCE_OVER_EVERY_MS : ASKED_EVERY_MS, one.again);
  if (isMissing) {
    return <section className="card"><EmptyNote title={t("campaigns.missing")} text={one.error.message}><Go to="/firmware/campaigns" className="button">{t("campaigns.title")}</Go></EmptyNote></section>;
  }
  if (!one.answer) return <section className="card">{one.error ? <ErrorNote what={t("campaigns.failed")} error={one.error} again={one.again} /> : <Skeleton height={240} />}</section>;
  return <Shown key={id} detail={one.answer} failed={one.error} again={one.again} rights={rights} username={username} />;
});

function Shown({ detail, failed, again, rights, username }) {
  const { campaign, counts, actions } = detail;
  const isBefore = BEFORE.includes(campaign.state);
  const releases = useQuery("releases.list");
  const groups = useQuery("device_groups.list", rights.includes("devices.read") ? { site_id: campaign.site_id } : null);
  const plan = useQuery("campaigns.simulate", isBefore ? { campaign_id: campaign.id } : null);
  const changed = () => { again(); if (isBefore) plan.again(); };
  const mayAct = rights.includes("firmware.publish");
  return (
    <div className="stack campaign">
      {failed && <ErrorNote what={t("campaigns.failed")} error={failed} again={again} compact />}
      <section className="card stack">
        <header className="card-head campaign-head">
          <h2>{campaign.name}</h2>
          <StateChip campaign={campaign} />
        </header>
        <p>{t("campaigns.way", { kind: campaign.kind, release: releaseWords(campaign, releases.answer), group: groupWords(campaign, groups.answer) })}</p>
        <Made campaign={campaign} />
        {campaign.why && <p className="campaign-why">{campaign.why}</p>}
        <CampaignActs detail={detail} plan={plan.answer} rights={rights} username={username} onChanged={changed} />
      </section>
      {isBefore && <CampaignPlan plan={plan} />}
      {actions.length > 0 && <States campaign={campaign} counts={counts} actions={actions} />}
      <div className="campaign-two">
        <CampaignPhases detail={detail} />
        {isBefore ? <Settings campaign={campaign} /> : <CampaignFailures detail={detail} mayAct={mayAct} onChanged={changed} />}
      </div>
      {actions.length > 0 && <CampaignDevices detail={detail} />}
      {!isBefore && <Settings campaign={campaign} />}
    </div>
  );
}

function Made({ campaign }) {
  return (
    <p className="caption">
      {t("campaigns.made_by", { by: campaign.created_by })} <Moment at={campaign.created_at} />
      {campaign.approved_by && <>, {t("campaigns.approved_by", { by: campaign.approved_by })}</>}
      {campaign.started_at && <>, {t("campaigns.started")} <Moment at={campaign.started_at} /></>}
      {campaign.ended_at && <>, {t("campaigns.ended")} <Moment at={campaign.ended_at} /></>}
      {campaign.rolls_back && <>, <Go to={`/firmware/campaign/${campaign.rolls_back}`}>{t("campaigns.undoes")}</Go></>}
    </p>
  );
}

/** The bar of states, with what is held against the threshold. */
function States({ campaign, counts, actions }) {
  const whole = tally(latest(actions));
  const phase = campaign.phases[Math.min(campaign.phase, campaign.phases.length - 1)];
  const share = number(errorPercent(whole), 1);
  return (
    <section className="card stack">
      <header className="card-head campaign-head">
        <h2>{t("campaigns.devices_count", { count: whole.devices })}</h2>
        <span className="aside wraps">{t("campaigns.standing", { succeeded: whole.succeeded, under: whole.under, failed: whole.failed })}</span>
        <span className="caption push campaign-limit">{t("campaigns.final_failures", { failed: whole.failed, devices: whole.devices, share, limit: exact(phase.error_percent), then: phase.on_error })}</span>
      </header>
      <StateBar counts={counts} large />
      <StateLegend counts={counts} />
    </section>
  );
}

/** What was said of it when it was made. */
function Settings({ campaign }) {
  const when = campaign.windows.map((window) => t("campaigns.window_of", {
    days: window.weekdays.map((day) => t("reports.weekday", { weekday: `d${day}` })).join(", "), begin: window.begin, span: duration(window.minutes * 60),
  }));
  return (
    <section className="card">
      <header className="card-head"><h2>{t("campaigns.settings")}</h2></header>
      <dl className="definition wraps">
        <dt>{t("campaigns.mode")}</dt>
        <dd>{t("campaigns.mode_of", { mode: campaign.mode })}{campaign.forced_at && <> <Moment at={campaign.forced_at} /></>}<div className="caption">{t("campaigns.mode_hint", { mode: campaign.mode })}</div></dd>
        <dt>{t("campaigns.windows")}</dt>
        <dd>{when.length ? when.map((words) => <div key={words}>{words}</div>) : t("campaigns.any_time")}</dd>
        <dt>{t("campaigns.conditions")}</dt>
        <dd>
          {campaign.only_when_idle && <div>{t("campaigns.only_when_idle")}</div>}
          {campaign.ask_users && <div>{t("campaigns.ask_users")}</div>}
          {campaign.takes_new_members && <div>{t("campaigns.takes_new")}</div>}
          <div>{t("campaigns.at_once", { count: campaign.concurrent_max })}</div>
          {campaign.bytes_per_s_max !== null && <div>{t("campaigns.pace_of", { size: size(campaign.bytes_per_s_max) })}</div>}
        </dd>
        <dt>{t("campaigns.proof")}</dt>
        <dd>{t("campaigns.proof_of", { soak: duration(campaign.soak_s), silent: duration(campaign.silent_s) })}</dd>
        <dt>{t("campaigns.retries")}</dt>
        <dd>{t("campaigns.retries_of", { count: campaign.retry.attempts_max, wait: duration(campaign.retry.wait_s) })}</dd>
        {campaign.note && (
          <>
            <dt>{t("firmware.notes")}</dt>
            <dd>{campaign.note}</dd>
          </>
        )}
      </dl>
    </section>
  );
}
