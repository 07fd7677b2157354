/* A model with its versions: the card of one, its replay, what is decided about it, and how versions differ. */
import { useState } from "react";
import { useLocation } from "react-router";
import { usePlaces } from "./directory.js";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { codeOf } from "./link.js";
import { t } from "./messages.js";
import { stateOf, VersionDecision, VersionFacts, VersionReplay } from "./model_parts.jsx";
import { EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";

const asPercent = (share) => (share === undefined ? "–" : t("models.percent", { percent: number(100 * share, 1) }));

export const ModelPage = guarded(function ModelPage({ rights = [] }) {
  const id = decodeURIComponent(useLocation().pathname.split("/").filter(Boolean).at(-1) ?? "");
  const view = useQuery("models.show", id ? { model_id: id } : null);
  const places = usePlaces();
  const [chosen, setChosen] = useState("");
  if (view.error && !view.answer) {
    if (codeOf(view.error) === "NOT_FOUND") return <section className="card"><EmptyNote title={t("models.missing")} text={view.error.message}><Go to="/fleet" className="button">{t("models.to_fleet")}</Go></EmptyNote></section>;
    return <section className="card"><ErrorNote what={t("models.failed")} error={view.error} again={view.again} /></section>;
  }
  if (!view.answer) return <section className="card"><Skeleton height={240} /></section>;
  const { model, versions } = view.answer;
  const version = versions.find((each) => each.id === chosen) ?? versions.find((each) => each.state === "champion") ?? versions[0];
  const machine = places.get(model.asset_id)?.asset;
  return (
    <div className="stack training">
      <section className="card stack">
        <header className="card-head">
          <h2>{model.name}</h2>
          <span><Go to={`/asset/${model.asset_id}?tab=health`} className="link code">{machine?.code ?? model.asset_id}</Go></span>
          {rights.includes("models.train") && <Go to={`/models/train?asset=${model.asset_id}`} className="button push">{t("models.train_again")}</Go>}
        </header>
        {versions.length === 0 && <EmptyNote title={t("models.no_versions")} text={t("models.no_versions_hint")} />}
        {versions.length > 0 && (
          <table className="table people-table">
            <thead><tr><th>{t("models.version")}</th><th>{t("models.stands")}</th><th>{t("models.detector")}</th><th>{t("models.held_out_above")}</th><th>{t("models.false_alarms")}</th><th>{t("models.made")}</th></tr></thead>
            <tbody>
              {versions.map((each) => (
                <tr key={each.id}>
                  <td><button type="button" className="link" aria-pressed={each.id === version.id} onClick={() => setChosen(each.id)}>{t("models.version_number", { number: each.number })}</button></td>
                  <td data-label={t("models.stands")}><span className="chip" data-state={each.state}>{stateOf(each)}</span></td>
                  <td data-label={t("models.detector")}>{t("training.detector", { detector: each.card.kind })}</td>
                  <td data-label={t("models.held_out_above")}>{asPercent(each.training.metrics.held_out_above_share)}</td>
                  <td data-label={t("models.false_alarms")}>{falseOf(each)}</td>
                  <td data-label={t("models.made")}><Moment at={each.created_at} /> <span className="caption">{each.created_by}</span></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      {version && (
        <>
          <section className="card stack"><h2>{t("models.card_of", { number: version.number })}</h2><VersionFacts version={version} /></section>
          <section className="card stack"><h2>{t("models.replay")}</h2><VersionReplay key={version.id} version={version} rights={rights} onChanged={view.again} /></section>
          <section className="card stack"><h2>{t("models.decision")}</h2><VersionDecision key={version.id} version={version} versions={versions} rights={rights} onChanged={view.again} /></section>
        </>
      )}
    </div>
  );
});

function falseOf(version) {
  if (!version.backtest) return "–";
  const point = version.backtest.points.reduce((best, each) => (Math.abs(each.shift) < Math.abs(best.shift) ? each : best));
  return point.false_per_month === null ? "–" : number(point.false_per_month, 1);
}
