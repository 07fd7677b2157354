/* Every connection, live: state with its age, rates, failing signals and why. */
import { useEffect, useState } from "react";
import { number } from "./format.js";
import { ConnectionSheet } from "./connection_sheet.jsx";
import { guarded } from "./guard.jsx";
import { useNow } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Age, EmptyNote, ErrorNote, Go, SimulatedChip, Skeleton } from "./parts.jsx";
import { UndoNote } from "./undo.jsx";

const RATES_EVERY_MS = 3_000; // States are pushed when they change; the rates beside them are asked for.

/** Follow all connections: {views, error}. */
function useConnections() {
  const [state, setState] = useState({ views: null, error: null, round: 0 });
  useEffect(() => {
    const line = link();
    const take = (views) => setState((before) => ({ ...before, views, error: null }));
    const timer = setInterval(() => line.query("connections.list").then(take, () => {}), RATES_EVERY_MS);
    const leave = line.subscribe("connections.watch", undefined, {
      onData: take,
      onError: (error) => setState((before) => ({ ...before, error })),
      poll: () => line.query("connections.list"),
    });
    return () => {
      clearInterval(timer);
      leave();
    };
  }, [state.round]);
  return { ...state, again: () => setState((before) => ({ views: null, error: null, round: before.round + 1 })) };
}

export const ConnectionTable = guarded(function ConnectionTable({ mayConfigure = false, onPause, onResume }) {
  const { views, error, again } = useConnections();
  const [open, setOpen] = useState(null); // "new" or the connection as it was when its sheet was opened
  const [gone, setGone] = useState(null);
  const close = () => setOpen(null);
  const sheet = open && (
    <ConnectionSheet key={open.id ?? open} connection={open === "new" ? null : open} onClose={close}
      onDone={() => { close(); again(); }} onDeleted={(connection) => { close(); setGone(connection); again(); }} />
  );
  const above = mayConfigure && (
    <>
      <div className="note-actions"><button type="button" className="button" onClick={() => setOpen("new")}>{t("connections.add")}</button></div>
      {gone && <UndoNote what={t("connections.back", { name: gone.name })} onOver={() => setGone(null)}
        onUndo={async () => { await link().mutate("connections.restore", { connection_id: gone.id }); setGone(null); again(); }} />}
      {sheet}
    </>
  );
  if (error && !views) return <section className="card"><ErrorNote what={t("connections.failed")} error={error} again={again} /></section>;
  if (!views) {
    return <section className="card connections-loading">{[1, 2, 3].map((row) => <Skeleton key={row} height={44} />)}</section>;
  }
  if (!views.length) return <div className="stack">{above}<section className="card"><EmptyNote title={t("connections.empty")} text={t("connections.empty_hint")} /></section></div>;
  return (
    <div className="stack">
    {above}
    <section className="card connections">
      <div className="connections-head" aria-hidden="true">
        <span>{t("connections.name")}</span>
        <span>{t("connections.state")}</span>
        <span className="right">{t("connections.rate")}</span>
        <span className="right">{t("connections.signals")}</span>
        <span>{t("connections.last")}</span>
        <span />
      </div>
      <ul>
        {views.map((view) => (
          <Row key={view.connection.id} view={view} mayConfigure={mayConfigure} onPause={onPause} onResume={onResume} onOpen={() => setOpen({ ...view.connection })} />
        ))}
      </ul>
    </section>
    </div>
  );
});

function Row({ view, mayConfigure, onPause, onResume, onOpen }) {
  const { connection, status } = view;
  const [busy, setBusy] = useState(false);
  const paused = status.state === "paused";
  useEffect(() => setBusy(false), [status.state]);
  const change = () => {
    setBusy(true);
    (paused ? onResume : onPause)?.(connection.id);
    setTimeout(() => setBusy(false), 5_000); // A refusal is shown by the page; the button must come back.
  };
  const ailing = status.state !== "online" && !paused;
  return (
    <li className="connection" data-state={status.state}>
      <div className="connection-name">
        <p>{mayConfigure ? <button type="button" className="link strong" onClick={onOpen}>{connection.name}</button> : <span className="strong">{connection.name}</span>}{connection.simulated && <> <SimulatedChip /></>}</p>
        <p className="caption"><span className="connection-driver">{t("connections.driver", { driver: connection.driver })}</span> <span className="code">{connection.endpoint}</span> <Protection security={status.security} /></p>
      </div>
      <div className="connection-state">
        <ConnectionShape state={status.state} />
        <div>
          <p className={ailing ? "strong" : ""}>{t(`connections.state.${status.state}`)}</p>
          <p className="caption"><Age since={status.since} /><Retry status={status} /></p>
        </div>
      </div>
      <p className="right" data-label={t("connections.rate")}><span>{number(status.samples_per_s, 1)}<span className="unit"> /s</span></span></p>
      <p className="right" data-label={t("connections.signals")}>
        <span>
          {number(status.signals)}
          {status.signals_failing > 0 && <span className="caption"> {t("connections.failing", { count: status.signals_failing })}</span>}
        </span>
      </p>
      <p data-label={t("connections.last")}>{status.last_sample_at ? <Age since={status.last_sample_at} /> : t("connections.never")}</p>
      <div className="connection-act">
        {mayConfigure && (
          <button type="button" className="button button-small" disabled={busy} onClick={change}>
            {t(paused ? "connections.resume" : "connections.pause")}
          </button>
        )}
      </div>
      {status.last_error && ailing && (
        <p className="connection-error">
          {status.last_error}
          {status.refused && <> <Go to={`/settings/trust?certificate=${encodeURIComponent(status.refused)}`}>{t("connections.decide")}</Go></>}
        </p>
      )}
    </li>
  );
}

/** What protects the link that stands; nothing is said of one that does not. */
function Protection({ security }) {
  if (!security) return null;
  const { encrypted, signed, protocol, policy, mode, peer, peer_subject: subject } = security;
  if (!encrypted && !signed) return <span className="chip chip-open">{t("connections.not_encrypted")}</span>;
  const how = [protocol, policy, mode].filter(Boolean).join(", ");
  return (
    <span className="chip" data-protected={encrypted} title={t("connections.protection", { how, subject, fingerprint: peer })}>
      {t(encrypted ? "connections.encrypted" : "connections.signed_only", { protocol })}
    </span>
  );
}

function Retry({ status }) {
  const now = useNow();
  if (!status.retry_at || now === null) return null;
  const wait_s = Math.max(0, Math.ceil((status.retry_at - now) / 1e6));
  return <>, {t("connections.retry", { attempt: status.attempts, wait: number(wait_s) })}</>;
}

/** Disc: delivers. Half: delivers in part. Ring: tries. Square: lost. Two bars: paused. Failures here are ink, not alarm hues. */
function ConnectionShape({ state }) {
  return (
    <svg className="connection-shape" data-state={state} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {state === "paused" ? (
        <path d="M4 2.5H6.8V13.5H4ZM9.2 2.5H12V13.5H9.2Z" />
      ) : state === "disconnected" ? (
        <><rect x="2" y="2" width="12" height="12" /><path className="connection-cross" d="M5 5L11 11M11 5L5 11" /></>
      ) : (
        <circle cx="8" cy="8" r="6.2" />
      )}
      {state === "degraded" && <path className="connection-half" d="M8 1.8A6.2 6.2 0 0 1 8 14.2Z" />}
    </svg>
  );
}
