/* The training of a model in five steps: machine, data, training, replay of the past, decision. The address says where somebody is. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { useEvery } from "./campaign_parts.jsx";
import { usePlaces } from "./directory.js";
import { faultOf, Field, messageOf, Refusal } from "./form_parts.jsx";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { VersionDecision, VersionFacts, VersionReplay } from "./model_parts.jsx";
import { EmptyNote, ErrorNote, Go, Skeleton } from "./parts.jsx";
import { DETECTORS, isUnderWay, paramsOf, placeOf, RULES, STEPS, stepsOpen } from "./training.js";
import { DataStep } from "./training_data.jsx";
import { JobList, JobProgress } from "./training_jobs.jsx";

const LOOK_EVERY_MS = 1_000;
const NOWHERE = { asset: "", job: "", model: "", version: "" };

/** The page is built before anybody has an address: where somebody is comes with the browser. */
export const TrainingWizard = guarded(function TrainingWizard({ siteId = "", rights = [] }) {
  const [first, setFirst] = useState(null);
  useEffect(() => setFirst(placeOf(new URLSearchParams(globalThis.location.search))), []);
  if (first === null) return <section className="card"><Skeleton height={240} /></section>;
  return <Wizard first={first} siteId={siteId} rights={rights} />;
});

function Wizard({ first, siteId, rights }) {
  const [place, setPlace] = useState(first);
  const [order, setOrder] = useState(null); // What is to be learned from; lost with a reload before the training, and asked again.
  const places = usePlaces();
  const mayTrain = rights.includes("models.train");
  const jobs = useQuery("training.jobs", mayTrain ? {} : null);
  const job = jobs.answer?.find((each) => each.id === place.job);
  useEvery((jobs.answer ?? []).some(isUnderWay) || (place.job && !job) ? LOOK_EVERY_MS : 0, jobs.again);
  const go = (changes) => setPlace((before) => ({ ...before, ...changes }));
  useEffect(() => {
    globalThis.history.replaceState(globalThis.history.state, "", `${globalThis.location.pathname}?${paramsOf(place)}`);
  }, [place]);
  useEffect(() => {
    if (job?.kind !== "backtest" && job?.state === "done" && !place.version) go({ model: job.model_id, version: job.version_id, step: "replay" });
  }, [job?.state]); // eslint-disable-line react-hooks/exhaustive-deps -- once, when it is done
  if (rights.length > 0 && !mayTrain) return <section className="card"><EmptyNote title={t("training.may_not")} text={t("training.may_not_hint")} /></section>;
  const step = place.step === "train" && !order && !place.job ? "data" : place.step;
  const open = [...stepsOpen(place), ...(order ? ["train"] : [])];
  const begun = (asked) => {
    go({ job: asked.id, model: "", version: "", step: "train" });
    jobs.again();
  };
  const show = (found) => go({ asset: found.asset_id, job: found.kind === "backtest" ? "" : found.id, model: found.model_id ?? "", version: found.version_id ?? "", step: found.version_id ? "replay" : "train" });
  const machine = places.get(place.asset)?.asset;
  return (
    <div className="stack training">
      <ol className="training-steps" aria-label={t("training.steps")}>
        {STEPS.map((each, at) => (
          <li key={each}>
            <button type="button" className="segment" aria-current={each === step ? "step" : undefined} disabled={!open.includes(each)} onClick={() => go({ step: each })}>
              <span className="training-number" aria-hidden="true">{at + 1}</span>{t("training.step", { step: each })}
            </button>
          </li>
        ))}
      </ol>
      {step === "machine" && <MachineStep siteId={siteId} places={places} place={place} onChosen={(changes) => { setOrder(null); go({ ...NOWHERE, begin: 0, end: 0, ...changes, step: "data" }); }} />}
      {step === "data" && (
        <section className="card stack">
          <h2>{t("training.data_of", { code: machine?.code ?? "" })}</h2>
          <Templated key={place.asset} place={place} onPlace={go} onChosen={(chosen) => { setOrder(chosen); go({ step: "train", job: "", model: "", version: "" }); }} />
        </section>
      )}
      {step === "train" && (
        <section className="card stack">
          <h2>{t("training.train_of", { code: machine?.code ?? "" })}</h2>
          {place.job ? <JobStep job={job} jobs={jobs} onAgain={() => go({ job: "", step: order ? "train" : "data" })} onNext={() => go({ step: "replay" })} /> : <TrainStep order={order} place={place} onBegun={begun} />}
        </section>
      )}
      {(step === "replay" || step === "decide") && <VersionStep key={place.version} place={place} step={step} rights={rights} onStep={(next) => go({ step: next })} />}
      {step === "machine" && <JobList jobs={jobs.answer ?? []} places={places} onShow={show} />}
      {jobs.error && !jobs.answer && <section className="card"><ErrorNote what={t("training.jobs_failed")} error={jobs.error} again={jobs.again} /></section>}
    </div>
  );
}

function MachineStep({ siteId, places, place, onChosen }) {
  const machines = [...places.values()].filter((each) => !siteId || each.site.id === siteId);
  const [asset, setAsset] = useState(place.asset);
  const [template, setTemplate] = useState("");
  const models = useQuery("models.list", siteId ? { site_id: siteId } : {});
  const chosen = places.get(asset)?.asset;
  const alike = (models.answer ?? []).filter((view) => view.model.asset_id !== asset && chosen && places.get(view.model.asset_id)?.asset.asset_class === chosen.asset_class);
  const lines = [...new Map(machines.map((each) => [each.line.id, each.line])).values()];
  return (
    <section className="card stack">
      <h2>{t("training.which")}</h2>
      {places.size === 0 && <Skeleton height={80} />}
      {places.size > 0 && machines.length === 0 && <EmptyNote title={t("training.no_machines")} text={t("training.no_machines_hint")} />}
      {machines.length > 0 && (
        <form className="entrance-form" onSubmit={(event) => { event.preventDefault(); onChosen({ asset, model: template }); }}>
          <Field as="select" label={t("training.machine")} required value={asset} onChange={(event) => { setAsset(event.target.value); setTemplate(""); }}>
            <option value="">{t("training.choose")}</option>
            {lines.map((line) => (
              <optgroup key={line.id} label={line.name}>
                {machines.filter((each) => each.line.id === line.id).map((each) => <option key={each.asset.id} value={each.asset.id}>{each.asset.code} {each.asset.name}</option>)}
              </optgroup>
            ))}
          </Field>
          <Field as="select" label={t("training.template")} hint={t("training.template_hint")} disabled={alike.length === 0} value={template} onChange={(event) => setTemplate(event.target.value)}>
            <option value="">{t("training.no_template")}</option>
            {alike.map((view) => <option key={view.model.id} value={view.model.id}>{places.get(view.model.asset_id).asset.code} {view.model.name}</option>)}
          </Field>
          <div className="note-actions"><button type="submit" className="button button-primary" disabled={!asset}>{t("training.next_data")}</button></div>
        </form>
      )}
    </section>
  );
}

/** The data of a machine; where another model is the template, once that is known. */
function Templated({ place, onPlace, onChosen }) {
  const template = useQuery("models.show", place.model && !place.version ? { model_id: place.model } : null);
  if (place.model && !place.version && !template.answer) return template.error ? <ErrorNote what={t("models.failed")} error={template.error} again={template.again} /> : <Skeleton height={240} />;
  return <DataStep place={place} template={template.answer?.versions[0]} onPlace={onPlace} onChosen={onChosen} />;
}

function TrainStep({ order, place, onBegun }) {
  const { run, busy, error } = useAct();
  const [detector, setDetector] = useState(place.detector);
  const [rule, setRule] = useState(RULES[0]);
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const alarm = { rule, ...(rule === "budget" ? { false_alarms_per_month: Number(form.get("budget")) } : {}) };
    run(async () => onBegun(await link().mutate("training.start", { asset_id: place.asset, name: form.get("name"), detector, alarm, ...order })));
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error, ["name"])} />
      <p className="caption">{t("training.of", { signals: order.signal_ids.length, left_out: order.excluded.length })}</p>
      <Field label={t("training.name")} name="name" required maxLength={120} defaultValue={t("training.name_given")} autoComplete="off" hint={t("training.name_hint")} error={faultOf(error, "name")} />
      <Field as="select" label={t("models.detector")} value={detector} hint={t("training.detector_hint", { detector })} onChange={(event) => setDetector(event.target.value)}>
        {DETECTORS.map((each) => <option key={each} value={each}>{t("training.detector", { detector: each })}</option>)}
      </Field>
      <Field as="select" label={t("models.rule")} value={rule} hint={t("training.rule_hint", { rule })} onChange={(event) => setRule(event.target.value)}>
        {RULES.map((each) => <option key={each} value={each}>{t("training.rule", { rule: each })}</option>)}
      </Field>
      {rule === "budget" && <Field label={t("training.budget")} name="budget" type="number" min="0.1" max="1000" step="0.1" required defaultValue="2" />}
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("training.start")}</button></div>
    </form>
  );
}

function JobStep({ job, jobs, onAgain, onNext }) {
  if (!job) return jobs.loading || !jobs.answer ? <Skeleton height={120} /> : <EmptyNote title={t("training.job_gone")} text={t("training.job_gone_hint")}><button type="button" className="button" onClick={onAgain}>{t("training.again")}</button></EmptyNote>;
  if (isUnderWay(job)) return <JobProgress job={job} onChanged={jobs.again} />;
  return (
    <div className="stack">
      <p role={job.state === "failed" ? "alert" : "status"}><span className="strong">{t("training.job_state", { state: job.state })}</span> {job.problem}</p>
      <div className="note-actions">
        {job.version_id && <button type="button" className="button button-primary" onClick={onNext}>{t("training.next_replay")}</button>}
        <button type="button" className="button" onClick={onAgain}>{t("training.again")}</button>
      </div>
    </div>
  );
}

function VersionStep({ place, step, rights, onStep }) {
  const view = useQuery("models.show", place.model ? { model_id: place.model } : null);
  const version = view.answer?.versions.find((each) => each.id === place.version);
  if (view.error && !view.answer) return <section className="card"><ErrorNote what={t("models.failed")} error={view.error} again={view.again} /></section>;
  if (!view.answer) return <section className="card"><Skeleton height={240} /></section>;
  if (!version) return <section className="card"><EmptyNote title={t("models.missing")} text={t("models.missing_hint")} /></section>;
  const title = <p className="strong">{view.answer.model.name} {number(version.number)} <Go to={`/models/${view.answer.model.id}`} className="link">{t("models.page")}</Go></p>;
  if (step === "decide") {
    return <section className="card stack"><h2>{t("models.decision")}</h2>{title}<VersionDecision version={version} versions={view.answer.versions} rights={rights} onChanged={view.again} /></section>;
  }
  return (
    <>
      <section className="card stack"><h2>{t("models.what_learned")}</h2>{title}<VersionFacts version={version} /></section>
      <section className="card stack">
        <h2>{t("models.replay")}</h2>
        <VersionReplay version={version} rights={rights} onChanged={view.again} />
        <div className="note-actions"><button type="button" className={version.backtest ? "button button-primary" : "button"} onClick={() => onStep("decide")}>{t("training.next_decide")}</button></div>
      </section>
      <ActError error={view.error} />
    </>
  );
}
