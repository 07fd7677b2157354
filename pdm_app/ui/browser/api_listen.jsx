/* Listening to a subscription from its page: started and stopped by hand, newest event on top. */
import { useEffect, useRef, useState } from "react";
import { clock, number } from "./format.js";
import { useZone } from "./hooks.js";
import { isRefusal, link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote } from "./parts.jsx";

const KEPT = 100; // Events on screen; the count goes on.
const SHOWN_MAX = 4_000; // Characters of one event.
const DRAW_EVERY_MS = 250; // However many events come, the list is drawn so often.

export function Listen({ procedure, input, refusal }) {
  const zone = useZone();
  const [state, setState] = useState({ listening: false, events: [], count: 0, error: null });
  const stopping = useRef(() => {});
  useEffect(() => () => stopping.current(), []);
  const start = () => {
    let waiting = [];
    let count = 0;
    setState({ listening: true, events: [], count: 0, error: null });
    const draw = () => {
      if (!waiting.length) return;
      const fresh = waiting;
      waiting = [];
      count += fresh.length;
      const numbered = fresh.map((event, place) => ({ ...event, number: count - place })).slice(0, KEPT);
      setState((before) => ({ ...before, error: null, count, events: [...numbered, ...before.events].slice(0, KEPT) }));
    };
    const timer = setInterval(draw, DRAW_EVERY_MS);
    const leave = link().subscribe(procedure.path, input, {
      onData: (data) => waiting.unshift({ at: link().clock.now(), text: write(data) }),
      onError: (error) => {
        draw();
        if (isRefusal(error)) stopping.current();
        setState((before) => ({ ...before, error }));
      },
    });
    stopping.current = () => {
      stopping.current = () => {};
      clearInterval(timer);
      leave();
      draw();
      setState((before) => ({ ...before, listening: false }));
    };
  };
  return (
    <>
      <div className="api-run">
        {state.listening
          ? <button type="button" className="button" onClick={() => stopping.current()}>{t("api.stop")}</button>
          : <button type="button" className="button button-primary" disabled={Boolean(refusal)} onClick={start}>{t("api.start")}</button>}
        <span className="muted" role="status">
          {state.listening ? t("api.listening", { count: number(state.count) }) : state.count > 0 && t("api.listened", { count: number(state.count) })}
        </span>
        {refusal && <span className="muted" role="note">{refusal}</span>}
      </div>
      {state.error && <ErrorNote what={t("api.refused")} error={state.error} compact />}
      {state.events.length > 0 && (
        <ol className="api-events" aria-label={t("api.events")}>
          {state.events.map((event) => (
            <li key={event.number}>
              <span className="caption">{number(event.number)} · {clock(event.at, zone)}</span>
              <code className="code">{event.text}</code>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

function write(data) {
  const text = JSON.stringify(data) ?? "undefined";
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
