/* Runs: production batches and events, newest first; one with its figures; some laid over each other from their beginning. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { usePlaces } from "./directory.js";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { duration, exact, number, unitSymbol } from "./format.js";
import { guarded } from "./guard.jsx";
import { useNow, useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { RunOverlay } from "./run_overlay.jsx";
import { RunRules } from "./run_rules.jsx";

const SHOWN = ["all", "batch", "event", "running", "golden"];
const OVERLAY_MAX = 20;
const TYPED_MS = 250;

export const Batches = guarded(function Batches({ siteId = "", mayControl = false, mayConfigure = false }) {
  const [filter, setFilter] = useState({ text: "", shown: "all" });
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState([]);
  const [open, setOpen] = useState(null);
  const places = usePlaces();
  useEffect(() => {
    const timer = setTimeout(() => setFilter((before) => ({ ...before, text: typed })), TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const asked = {
    site_id: siteId || null, text: filter.text, limit: 100, running: filter.shown === "running", golden: filter.shown === "golden",
    kind: filter.shown === "batch" || filter.shown === "event" ? filter.shown : null,
  };
  const { answer, error, again } = useQuery("batches.page", asked);
  const toggle = (id) => setChosen((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id].slice(-OVERLAY_MAX)));
  return (
    <div className="stack">
      <div className="signal-tools">
        <input type="search" className="input" value={typed} placeholder={t("batches.search")} aria-label={t("batches.search")} onChange={(event) => setTyped(event.target.value)} />
        <div className="segments" role="group" aria-label={t("batches.shown")}>
          {SHOWN.map((shown) => (
            <button key={shown} type="button" className="segment" aria-pressed={filter.shown === shown} onClick={() => setFilter((before) => ({ ...before, shown }))}>{t("batches.show", { shown })}</button>
          ))}
        </div>
        {mayControl && <span className="note-actions push"><button type="button" className="button button-primary" onClick={() => setOpen("new")}>{t("batches.start")}</button></span>}
      </div>
      <section className="card">
        {error && !answer && <ErrorNote what={t("batches.failed")} error={error} again={again} />}
        {!answer && !error && <Skeleton height={120} />}
        {answer?.length === 0 && <EmptyNote title={t("batches.empty")} text={t("batches.empty_hint")} />}
        {answer?.length > 0 && (
          <table className="table people-table">
            <thead><tr><th>{t("batches.compare")}</th><th>{t("batches.name")}</th><th>{t("batches.machine")}</th><th>{t("batches.product")}</th><th>{t("batches.began")}</th><th className="right">{t("batches.lasted")}</th></tr></thead>
            <tbody>
              {answer.map((run) => (
                <tr key={run.id}>
                  <td data-label={t("batches.compare")}><input type="checkbox" className="checkbox" checked={chosen.includes(run.id)} aria-label={t("batches.compare_of", { name: run.name })} onChange={() => toggle(run.id)} /></td>
                  <td>
                    <button type="button" className="link" onClick={() => setOpen(run)}>{run.name}</button>
                    <div className="caption">{t("batches.kind", { kind: run.kind })}{run.is_golden && `, ${t("batches.golden")}`}</div>
                  </td>
                  <td data-label={t("batches.machine")} className="code">{places.get(run.asset_id)?.asset.code ?? "–"}</td>
                  <td data-label={t("batches.product")}>{run.product || "–"}</td>
                  <td data-label={t("batches.began")}><Moment at={run.started_at} /></td>
                  <td data-label={t("batches.lasted")} className="right"><Lasted run={run} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      {chosen.length > 0 && <RunOverlay runs={chosen} of={answer?.find((run) => run.id === chosen[0])} />}
      <RunRules siteId={siteId} mayConfigure={mayConfigure} places={places} />
      {open === "new" && (
        <Sheet title={t("batches.start")} onClose={() => setOpen(null)}>
          <StartForm siteId={siteId} places={places} onDone={() => { setOpen(null); again(); }} />
        </Sheet>
      )}
      {open && open !== "new" && (
        <Sheet title={open.name} onClose={() => setOpen(null)} side>
          <RunFacts key={open.id} id={open.id} mayControl={mayControl} onChanged={again} />
        </Sheet>
      )}
    </div>
  );
});

function Lasted({ run }) {
  const now = useNow();
  if (run.ended_at) return duration((run.ended_at - run.started_at) / 1e6);
  return <span className="chip" data-state="running">{t("batches.running")} {now !== null && duration((now - run.started_at) / 1e6)}</span>;
}

function StartForm({ siteId, places, onDone }) {
  const { run, busy, error } = useAct();
  const machines = [...places.values()].filter((place) => !siteId || place.site.id === siteId).map((place) => place.asset);
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      await link().mutate("batches.start", { asset_id: form.get("asset_id"), name: form.get("name"), product: form.get("product") });
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error, ["name", "product"])} />
      <Field as="select" label={t("batches.machine")} name="asset_id" required>
        {machines.map((asset) => <option key={asset.id} value={asset.id}>{asset.code}</option>)}
      </Field>
      <Field label={t("batches.name")} name="name" required maxLength={120} autoComplete="off" error={faultOf(error, "name")} />
      <Field label={t("batches.product")} name="product" maxLength={120} autoComplete="off" error={faultOf(error, "product")} />
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("batches.start")}</button></div>
    </form>
  );
}

/** One run with the figures of its signals, and what a person says of it. */
function RunFacts({ id, mayControl, onChanged }) {
  const { answer, error, again } = useQuery("batches.by_id", { run_id: id });
  const { answer: signals } = useQuery("signals.list", answer ? { asset_id: answer.run.asset_id } : null);
  const { run: act, busy, error: refused } = useAct();
  if (error && !answer) return <ErrorNote what={t("batches.failed")} error={error} again={again} />;
  if (!answer) return <Skeleton height={120} />;
  const { run, figures } = answer;
  const known = new Map((signals ?? []).map((signal) => [signal.id, signal]));
  const change = (path, said) => act(async () => {
    await link().mutate(path, { run_id: run.id, ...said });
    again();
    onChanged();
  });
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    change("batches.change", { revision: run.revision, name: form.get("name"), product: form.get("product"), note: form.get("note"), is_golden: form.get("is_golden") === "on" });
  };
  return (
    <div className="stack">
      <p><Moment at={run.started_at} /> – {run.ended_at ? <Moment at={run.ended_at} /> : t("batches.running")}, {duration(answer.duration_s)}</p>
      {figures.length > 0 && (
        <table className="table">
          <thead><tr><th>{t("batches.signal")}</th><th className="right">{t("batches.low")}</th><th className="right">{t("batches.mean")}</th><th className="right">{t("batches.high")}</th><th className="right">{t("batches.samples")}</th></tr></thead>
          <tbody>
            {figures.map((figure) => (
              <tr key={figure.signal}>
                <td>{known.get(figure.signal)?.label ?? "–"} <span className="caption">{unitSymbol(known.get(figure.signal)?.unit ?? "1")}</span></td>
                {[figure.low, figure.mean, figure.high].map((value, place) => <td key={place} className="right">{value === null ? "–" : exact(value)}</td>)}
                <td className="right">{number(figure.samples)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <ActError error={refused} />
      {mayControl && (
        <form className="entrance-form" key={run.revision} onSubmit={submit}>
          <Field label={t("batches.name")} name="name" defaultValue={run.name} required maxLength={120} />
          <Field label={t("batches.product")} name="product" defaultValue={run.product} maxLength={120} />
          <Field as="textarea" label={t("batches.note")} name="note" defaultValue={run.note} maxLength={2000} />
          <Check name="is_golden" label={t("batches.is_golden")} defaultChecked={run.is_golden} />
          <div className="note-actions">
            <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
            {!run.ended_at && !run.rule_id && <button type="button" className="button" disabled={busy} onClick={() => change("batches.stop", {})}>{t("batches.stop")}</button>}
          </div>
        </form>
      )}
    </div>
  );
}
