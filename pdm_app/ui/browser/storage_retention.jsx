/* How long history is kept: rules, what the next run would delete, the run that is under way, and the ones before. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { duration, number, size } from "./format.js";
import { useNow, useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { Plan, TIERS } from "./storage_plan.jsx";
import { RuleSheet } from "./storage_rule_sheet.jsx";

const LOOK_EVERY_MS = 2_000;
const QUIET_LOOKS = 15;

export function Retention({ onRun }) {
  const rules = useQuery("retention.rules");
  const runs = useQuery("retention.runs");
  const [open, setOpen] = useState(null); // "new" or the id of a rule
  const [asked, setAsked] = useState(false);
  const busy = asked || Boolean(runs.answer?.running);
  const newest = runs.answer?.recent[0]?.id;
  useEffect(() => {
    const timer = setInterval(runs.again, busy ? LOOK_EVERY_MS : QUIET_LOOKS * LOOK_EVERY_MS);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `again` is another function each time
  }, [busy]);
  useEffect(() => {
    setAsked(false);
    if (newest) onRun();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only a run that ended changes anything
  }, [newest]);
  if (rules.error && !rules.answer) return <section className="card"><ErrorNote what={t("storage.failed")} error={rules.error} again={rules.again} /></section>;
  if (!rules.answer) return <section className="card"><Skeleton height={120} /></section>;
  const close = () => { setOpen(null); rules.again(); };
  const chosen = rules.answer.find((one) => one.rule.id === open)?.rule;
  return (
    <section className="card people">
      <header className="card-head">
        <h2>{t("retention.title")}</h2>
        <button type="button" className="button push" onClick={() => setOpen("new")}>{t("retention.add")}</button>
      </header>
      {rules.answer.length === 0 ? <EmptyNote title={t("retention.none")} text={t("retention.none_hint")} /> : <Rules rules={rules.answer} onOpen={setOpen} />}
      {rules.answer.length > 0 && <NextRun key={`${newest}-${rules.answer.map((one) => one.rule.changed_at)}`} nextAt={runs.answer?.next_at} busy={busy} onAsked={() => { setAsked(true); runs.again(); }} />}
      {runs.answer?.running && <Running run={runs.answer.running} onChanged={runs.again} />}
      {runs.answer?.recent.length > 0 && <Recent runs={runs.answer.recent.slice(0, 5)} />}
      {open === "new" && <RuleSheet onClose={() => setOpen(null)} onDone={close} />}
      {chosen && <RuleSheet key={chosen.id} rule={chosen} onClose={() => setOpen(null)} onDone={close} />}
    </section>
  );
}

function Rules({ rules, onOpen }) {
  return (
    <table className="table people-table">
      <thead><tr><th>{t("retention.rule")}</th>{TIERS.map((tier) => <th key={tier}>{t("retention.tier_of", { tier })}</th>)}<th>{t("retention.signals")}</th></tr></thead>
      <tbody>
        {rules.map(({ rule, signals }) => (
          <tr key={rule.id}>
            <td>
              <button type="button" className="link" onClick={() => onOpen(rule.id)}>{rule.name}</button>
              <div className="code caption wraps">{[rule.site_id, rule.asset_id, rule.signal_class, rule.pattern].filter(Boolean).join(" · ") || t("retention.every_signal")}</div>
            </td>
            {TIERS.map((tier) => <td key={tier} data-label={t("retention.tier_of", { tier })}>{rule[tier] === null ? "–" : t("retention.days", { count: rule[tier] })}</td>)}
            <td data-label={t("retention.signals")}>{number(signals)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What would go now; deletes only after a second look. */
function NextRun({ nextAt, busy, onAsked }) {
  const now = useNow();
  const { answer, error, again } = useQuery("retention.plan");
  const { run, busy: asking, error: refused } = useAct();
  const [sure, setSure] = useState(false);
  const begin = () => run(async () => {
    await link().mutate("retention.run");
    setSure(false);
    onAsked();
  });
  return (
    <div className="storage-next">
      {error && !answer && <ErrorNote what={t("retention.plan_failed")} error={error} again={again} compact />}
      {!answer && !error && <Skeleton height={24} />}
      {answer && (
        <p role="status">
          {nextAt && now !== null && nextAt > now && <>{t("retention.next_in", { time: duration((nextAt - now) / 1e6) })} </>}
          <Plan plan={answer} />
        </p>
      )}
      <ActError error={refused} />
      {sure && <p className="note note-error" data-compact="true">{t("retention.sure_hint")}</p>}
      <div className="note-actions">
        <button type="button" className="button" disabled={busy || asking || !answer?.rows} onClick={sure ? begin : () => setSure(true)}>{t(sure ? "retention.run_sure" : "retention.run")}</button>
        {sure && <button type="button" className="button" onClick={() => setSure(false)}>{t("action.cancel")}</button>}
      </div>
    </div>
  );
}

function Running({ run: job, onChanged }) {
  const { run, busy, error } = useAct();
  const cancel = () => run(async () => {
    await link().mutate("retention.cancel");
    onChanged();
  });
  const share = job.rows_planned ? Math.min(100, Math.round((100 * job.rows) / job.rows_planned)) : 0;
  return (
    <div className="storage-next">
      <progress max={100} value={share} aria-label={t("retention.running")}>{share}</progress>
      <span className="caption">{t("retention.so_far", { size: size(job.bytes), rows: number(job.rows) })}</span>
      <ActError error={error} />
      <button type="button" className="button button-small" disabled={busy} onClick={cancel}>{t("action.cancel")}</button>
    </div>
  );
}

function Recent({ runs }) {
  return (
    <ul className="sessions">
      {runs.map((run) => (
        <li key={run.id}>
          <div>
            <span className="chip" data-state={run.state}>{t("retention.state_of", { state: run.state })}</span>{" "}
            <span className="caption">{t("retention.so_far", { size: size(run.bytes), rows: number(run.rows) })}, {run.asked_by}, <Moment at={run.started_at} /></span>
            {run.blocked > 0 && <p className="caption">{t("retention.blocked", { rows: number(run.blocked) })} {run.problem}</p>}
            {run.blocked === 0 && run.problem && <p className="field-error">{run.problem}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
