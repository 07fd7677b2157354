/* What a rule would have done in the last month, asked for before it is saved. */
import { useEffect, useRef, useState } from "react";
import { ActError } from "./acknowledge.jsx";
import { number } from "./format.js";
import { link } from "./link.js";
import { t } from "./messages.js";

const DAYS = 30;

/** `said` returns the rule as the form has it; a proposed on-delay is handed to `onProposed`. */
export function BacktestNote({ said, onProposed }) {
  const [state, setState] = useState({ found: null, error: null, runs: false });
  const close = useRef(null);
  useEffect(() => () => close.current?.(), []);
  const stop = () => {
    close.current?.();
    close.current = null;
    setState((before) => ({ ...before, runs: false }));
  };
  const start = () => {
    close.current?.();
    setState({ found: null, error: null, runs: true });
    close.current = link().subscribe("alarm_rules.backtest", { rule: { ...said(), name: said().name || "–" }, days: DAYS }, {
      onData: (found) => {
        setState({ found, error: null, runs: !found.is_done });
        if (found.is_done) stop();
      },
      onError: (error) => setState({ found: null, error, runs: false }),
    });
  };
  const { found, error, runs } = state;
  return (
    <div className="backtest" role="status">
      {!runs && <button type="button" className="button" onClick={start}>{t("backtest.start", { days: DAYS })}</button>}
      {runs && (
        <>
          <progress max="1" value={found?.progress ?? 0} aria-label={t("backtest.runs")} />
          <button type="button" className="button" onClick={stop}>{t("action.cancel")}</button>
        </>
      )}
      <ActError error={error} />
      {found?.is_done && <Found found={found} onProposed={onProposed} />}
    </div>
  );
}

function Found({ found, onProposed }) {
  const [given] = found.trials;
  if (!found.samples) return <p className="muted">{t("backtest.nothing")}</p>;
  return (
    <>
      <p><span className="strong">{t("backtest.found", { count: given.activations, days: number(found.days, 1) })}</span> {t("backtest.noise", { fleeting: given.fleeting, chattering: given.chattering })}</p>
      {found.proposed && (
        <button type="button" className="button" onClick={() => onProposed(found.proposed.on_delay_s)}>
          {t("backtest.proposed", { delay: found.proposed.on_delay_s, count: found.proposed.activations })}
        </button>
      )}
    </>
  );
}
