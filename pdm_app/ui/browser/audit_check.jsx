/* The check of the audit trail: begun, followed, stopped, and what came of it; it goes on when the page is left. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { guarded } from "./guard.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";

const LOOK_EVERY_MS = 1_000;

export const AuditCheck = guarded(function AuditCheck() {
  const [job, setJob] = useState(null);
  const [words, setWords] = useState("");
  const [malformed, setMalformed] = useState(false);
  const { run, busy, error } = useAct();
  const isRunning = job?.state === "running";
  useEffect(() => {
    let live = true;
    let timer = null;
    const look = () => {
      link().query("audit.checking").then((found) => live && setJob(found), () => {}).finally(() => {
        if (live && isRunning) timer = setTimeout(look, LOOK_EVERY_MS);
      });
    };
    look();
    return () => { live = false; clearTimeout(timer); };
  }, [isRunning]);
  const begin = (event) => {
    event.preventDefault();
    const anchor = anchorOf(words);
    setMalformed(anchor === undefined);
    if (anchor !== undefined) run(async () => setJob(await link().mutate("audit.begin_check", anchor)));
  };
  const stop = () => run(async () => setJob(await link().mutate("audit.cancel_check")));
  const verdict = job?.state === "done" ? job.verdict : null;
  return (
    <section className="card">
      <header className="card-head"><h2>{t("audit.chain")}</h2></header>
      <p className="muted">{t("audit.chain_text")}</p>
      <form className="filters audit-check" onSubmit={begin}>
        <input name="anchor" className="input" autoComplete="off" maxLength={90} placeholder={t("audit.anchor")} aria-label={t("audit.anchor")} aria-invalid={malformed}
          value={words} onChange={(event) => setWords(event.target.value)} />
        {isRunning
          ? <button type="button" className="button" disabled={busy} onClick={stop}>{t("audit.stop")}</button>
          : <button type="submit" className="button" disabled={busy}>{t("audit.verify")}</button>}
      </form>
      {malformed && <p className="field-error" role="alert">{t("audit.no_anchor")}</p>}
      <ActError error={error} />
      {isRunning && (
        <div role="status">
          <progress className="progress" value={job.checked} max={Math.max(job.total, 1)} aria-label={t("audit.chain")} />
          <p className="caption">{t("audit.checking", { checked: job.checked, total: job.total, name: job.begun_by })}</p>
        </div>
      )}
      {job?.state === "cancelled" && <p className="muted" role="status">{t("audit.check_stopped", { checked: job.checked })}</p>}
      {job?.state === "failed" && <div className="note note-error" role="alert"><p className="note-title">{t("audit.check_failed")}</p><p className="note-text">{job.problem}</p></div>}
      {verdict?.is_whole && (
        <div className="note" role="status">
          <p className="note-title">{t("audit.whole", { count: verdict.checked })}</p>
          {verdict.checked > 0 && <p className="note-text">{t("audit.keep")} <code className="wraps">{verdict.checked}:{verdict.last_hash}</code></p>}
        </div>
      )}
      {verdict && !verdict.is_whole && (
        <div className="note note-error" role="alert">
          <p className="note-title">{t("audit.broken", { seq: verdict.broken_at })}</p>
          <p className="note-text">{t("audit.broken_text", { fault: verdict.fault, count: verdict.checked })}</p>
        </div>
      )}
    </section>
  );
});

/** Read NUMBER:HASH as an earlier check gave it; {} for nothing, undefined for what is none. */
export function anchorOf(words) {
  if (!words.trim()) return {};
  const found = /^\s*(\d{1,15}):([0-9a-f]{64})\s*$/.exec(words);
  return found ? { seq: Number(found[1]), hash: found[2] } : undefined;
}
