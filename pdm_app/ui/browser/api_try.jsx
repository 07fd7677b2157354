/* Calling a procedure from its page: with this session, asked twice where it changes something, and the answer with what it took. */
import { useEffect, useRef, useState } from "react";
import { call, SHOWN_MAX } from "./api_call.js";
import { hidden } from "./api_schema.js";
import { Copy } from "./copy.jsx";
import { number, size } from "./format.js";
import { link } from "./link.js";
import { t } from "./messages.js";

/** The button and the answer. `onOutcome` hears of every answer, so that the form can show what was wrong with it. */
export function TryIt({ procedure, input, refusal, onOutcome }) {
  const [asking, setAsking] = useState(false);
  const [state, setState] = useState({ running: false, outcome: null, error: null });
  const running = useRef(null);
  useEffect(() => () => running.current?.abort(), []);
  const run = async () => {
    setAsking(false);
    running.current?.abort();
    const mine = new AbortController();
    running.current = mine;
    setState((before) => ({ ...before, running: true, error: null }));
    try {
      const outcome = await call(procedure, input, link(), { signal: mine.signal });
      setState({ running: false, outcome, error: null });
      onOutcome(outcome);
    } catch (error) {
      if (running.current === mine && !mine.signal.aborted) setState({ running: false, outcome: null, error });
    }
  };
  const stop = () => {
    running.current?.abort();
    setState((before) => ({ ...before, running: false }));
  };
  const begin = () => (procedure.type === "mutation" ? setAsking(true) : run());
  return (
    <>
      <div className="api-run">
        <button type="button" className="button button-primary" disabled={Boolean(refusal) || state.running} onClick={begin}>
          {procedure.type === "mutation" ? t("api.run_mutation") : t("api.run_query")}
        </button>
        {state.running && <button type="button" className="button" onClick={stop}>{t("action.cancel")}</button>}
        {refusal && <span className="muted" role="note">{refusal}</span>}
      </div>
      {state.error && <Unanswered procedure={procedure} again={begin} />}
      {state.outcome && <Outcome outcome={state.outcome} dimmed={state.running} />}
      <Confirmation procedure={procedure} input={input} open={asking} onRun={run} onClose={() => setAsking(false)} />
    </>
  );
}

/* A query may be asked again without a thought; of a change nobody knows whether it was made. */
function Unanswered({ procedure, again }) {
  return (
    <div className="note note-error" data-compact="true" role="alert">
      <p className="note-title">{t("api.failed")}</p>
      <p className="note-text">{procedure.type === "mutation" ? t("api.failed_mutation") : t("api.failed_query")}</p>
      <div className="note-actions"><button type="button" className="button button-small" onClick={again}>{t("action.retry")}</button></div>
    </div>
  );
}

function Outcome({ outcome, dimmed }) {
  const isCut = outcome.text.length > SHOWN_MAX;
  return (
    <div className="api-outcome" data-ok={outcome.ok} data-dimmed={dimmed} role="status">
      <div className="api-outcome-head">
        <strong>{outcome.ok ? t("api.answered") : t("api.refused")}</strong>
        <span className="code">{outcome.status}</span>
        <span>{t("api.took", { ms: number(outcome.took_ms, outcome.took_ms < 10 ? 1 : 0) })}</span>
        <span>{size(outcome.bytes)}</span>
        <span className="push"><Copy text={outcome.text} label={t("api.copy_answer")} /></span>
      </div>
      {!outcome.ok && outcome.answer?.message && <p className="note-text">{outcome.answer.message}</p>}
      {/* Long answers scroll; the keyboard has to get there, too. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre className="api-code" tabIndex={0} aria-label={t("api.answer")}>{isCut ? outcome.text.slice(0, SHOWN_MAX) : outcome.text}</pre>
      {isCut && <p className="caption">{t("api.cut", { shown: size(SHOWN_MAX), all: size(outcome.text.length) })}</p>}
    </div>
  );
}

function Confirmation({ procedure, input, open, onRun, onClose }) {
  const sheet = useRef(null);
  useEffect(() => {
    if (open) sheet.current?.showModal();
    else sheet.current?.close();
  }, [open]);
  return (
    <dialog className="sheet" ref={sheet} onClose={onClose} aria-label={t("api.confirm", { path: procedure.path })}>
      <div className="stack">
        <h2>{t("api.confirm", { path: procedure.path })}</h2>
        <p className="muted">{t("api.confirm_text")}</p>
        {input !== undefined && <pre className="api-code">{JSON.stringify(hidden(input), null, 2)}</pre>}
        <div className="note-actions">
          <button type="button" className="button button-primary" onClick={onRun}>{t("api.confirm_run")}</button>
          <button type="button" className="button" onClick={onClose}>{t("action.cancel")}</button>
        </div>
      </div>
    </dialog>
  );
}
