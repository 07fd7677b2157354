/* Campaigns: releases on their way to groups of devices, and a new one. */
import { useState } from "react";
import { useNavigate } from "react-router";
import { NewCampaign } from "./campaign_new.jsx";
import { StateBar, StateChip, groupWords, releaseWords, useEvery } from "./campaign_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";

const ASKED_EVERY_MS = 5_000;

export const Campaigns = guarded(function Campaigns({ siteId = "", rights = [] }) {
  const ofSite = siteId ? { site_id: siteId } : {};
  const campaigns = useQuery("campaigns.list", ofSite);
  const releases = useQuery("releases.list");
  const groups = useQuery("device_groups.list", rights.includes("devices.read") ? ofSite : null);
  const elsewhere = useQuery("campaigns.list", siteId && campaigns.answer?.length === 0 ? {} : null);
  const [making, setMaking] = useState(false);
  const navigate = useNavigate();
  useEvery(ASKED_EVERY_MS, campaigns.again);
  const mayMake = rights.includes("firmware.publish") && Boolean(siteId);
  return (
    <section className="card people">
      <header className="card-head">
        <h2>{t("campaigns.list")}</h2>
        {mayMake && <button type="button" className="button button-primary push" onClick={() => setMaking(true)}>{t("campaigns.new")}</button>}
      </header>
      {campaigns.error && <ErrorNote what={t("campaigns.failed")} error={campaigns.error} again={campaigns.again} compact={Boolean(campaigns.answer)} />}
      {!campaigns.answer && !campaigns.error && <Skeleton height={120} />}
      {campaigns.answer?.length === 0 && <EmptyNote title={t("campaigns.none")} text={t("campaigns.none_hint")} />}
      {campaigns.answer?.length > 0 && <CampaignTable views={campaigns.answer} releases={releases.answer} groups={groups.answer} />}
      {campaigns.answer?.length === 0 && elsewhere.answer?.length > 0 && (
        <>
          <h3>{t("campaigns.elsewhere")}</h3>
          <CampaignTable views={elsewhere.answer} releases={releases.answer} />
        </>
      )}
      {making && (
        <NewCampaign siteId={siteId} releases={releases} groups={groups} onClose={() => setMaking(false)}
          onDone={(campaign) => navigate(`/firmware/campaign/${campaign.id}`)} />
      )}
    </section>
  );
});

function CampaignTable({ views, releases, groups }) {
  return (
    <table className="table people-table campaign-table">
      <thead>
        <tr><th>{t("campaigns.campaign")}</th><th>{t("firmware.release")}</th><th>{t("campaigns.group")}</th><th>{t("firmware.state")}</th><th>{t("campaigns.phase")}</th><th>{t("campaigns.devices")}</th></tr>
      </thead>
      <tbody>
        {views.map(({ campaign, counts }) => (
          <tr key={campaign.id}>
            <td>
              <Go to={`/firmware/campaign/${campaign.id}`}>{campaign.name}</Go>
              <div className="caption">{campaign.created_by}, <Moment at={campaign.created_at} /></div>
            </td>
            <td data-label={t("firmware.release")}>{releaseWords(campaign, releases)}</td>
            <td data-label={t("campaigns.group")}>{groupWords(campaign, groups)}</td>
            <td data-label={t("firmware.state")}><StateChip campaign={campaign} />{campaign.why && <div className="caption wraps">{campaign.why}</div>}</td>
            <td data-label={t("campaigns.phase")}>{t("campaigns.phase_of", { at: campaign.phase + 1, of: campaign.phases.length })}<div className="caption">{campaign.phases[campaign.phase]?.name}</div></td>
            <td data-label={t("campaigns.devices")} className="campaign-cell"><StateBar counts={counts} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
