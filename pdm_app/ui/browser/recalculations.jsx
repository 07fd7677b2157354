/* Recalculating a derived signal: over which span, how far it is, and a way to stop it. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { duration, number } from "./format.js";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Moment } from "./parts.jsx";

const LOOK_EVERY_MS = 1_000;
const SPANS_S = [3_600, 86_400, 7 * 86_400, 30 * 86_400];

/** Asks over which span; nothing is put anew before that. */
export function RecalculateSheet({ signal, onClose, onAsked }) {
  const [spanS, setSpanS] = useState(SPANS_S[1]);
  const { run, busy, error } = useAct();
  const ask = (event) => {
    event.preventDefault();
    run(async () => {
      const end_at = link().clock.now();
      await link().mutate("formulas.recalculate", { signal_id: signal.id, start_at: Math.max(0, Math.round(end_at - spanS * 1e6)), end_at });
      onAsked();
    });
  };
  return (
    <Sheet title={t("signals.recalculate_named", { name: signal.label })} onClose={onClose}>
      <form className="entrance-form" onSubmit={ask}>
        <Refusal message={messageOf(error)} />
        <p>{t("signals.recalculate_hint")}</p>
        <div className="segments" role="group" aria-label={t("trend.span")}>
          {SPANS_S.map((seconds) => (
            <button key={seconds} type="button" className="segment" aria-pressed={spanS === seconds} onClick={() => setSpanS(seconds)}>{duration(seconds)}</button>
          ))}
        </div>
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={busy}>{t("signals.recalculate")}</button>
          <button type="button" className="button" onClick={onClose}>{t("signals.not_now")}</button>
        </div>
      </form>
    </Sheet>
  );
}

/** What is being recalculated and what was; nothing where nothing is. */
export function Recalculations({ mayConfigure }) {
  const { answer, again } = useQuery("formulas.recalculations");
  const busy = (answer ?? []).some((job) => job.ended_at === null);
  useEffect(() => {
    const timer = setInterval(again, busy ? LOOK_EVERY_MS : 10 * LOOK_EVERY_MS);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `again` is another function each time
  }, [busy]);
  if (!answer?.length) return null;
  return (
    <section className="card">
      <header className="card-head"><h2>{t("signals.recalculations")}</h2></header>
      <ul className="recalculations">{answer.slice(0, 5).map((job) => <Job key={job.id} job={job} mayConfigure={mayConfigure} onChanged={again} />)}</ul>
    </section>
  );
}

function Job({ job, mayConfigure, onChanged }) {
  const { run, busy, error } = useAct();
  const cancel = () => run(async () => {
    await link().mutate("formulas.cancel_recalculation", { recalculation_id: job.id });
    onChanged();
  });
  const share = Math.round(job.share * 100);
  return (
    <li data-state={job.state}>
      <div>
        <span className="strong">{job.name}</span>{" "}
        <span className="caption">
          {duration((job.end_at - job.start_at) / 1e6)}, {t("signals.with_readers", { count: job.signals.length - 1 })}, {job.asked_by}, <Moment at={job.asked_at} />
        </span>
        {job.problem && <p className="field-error">{job.problem}</p>}
        <ActError error={error} />
      </div>
      {job.ended_at === null && <progress max={100} value={share} aria-label={t("signals.progress", { name: job.name })}>{share}</progress>}
      <span className="caption">{t("signals.job", { state: job.state, share, written: number(job.written), replaced: number(job.replaced) })}</span>
      {mayConfigure && job.ended_at === null && <button type="button" className="button button-small" disabled={busy} onClick={cancel}>{t("action.cancel")}</button>}
    </li>
  );
}
