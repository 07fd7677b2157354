/* The wallboard: all lines of a site in figures that are read across a hall. It fills the screen, asks by itself, and
   says when it no longer hears anything. */
import { useEffect, useRef, useState } from "react";
import { clock, duration } from "./format.js";
import { guarded } from "./guard.jsx";
import { useLinkStatus, useNow, useQuery, useZone } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { Bar } from "./production.jsx";
import { LIVE_EVERY_MS, lossName, percent } from "./production_words.js";


export const ProductionWall = guarded(function ProductionWall({ siteId = "" }) {
  const shifts = useQuery("shifts.show", siteId ? { site_id: siteId } : null);
  const shift = shifts.answer ? shifts.answer.now ?? shifts.answer.before : null;
  const { answer, error, again } = useQuery("production.overview", shift ? { site_id: siteId, begin_at: shift.begin_at, end_at: shift.end_at } : null);
  const zone = useZone();
  const now = useNow();
  const { state } = useLinkStatus();
  const board = useRef(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && setRound((count) => count + 1), LIVE_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => { if (round) { shifts.again(); again(); } }, [round]);
  if (!siteId) return <section className="card"><EmptyNote title={t("production.no_site")} /></section>;
  const failed = (error && !answer && error) || (shifts.error && !shifts.answer && shifts.error);
  if (failed) return <section className="card"><ErrorNote what={t("production.failed")} error={failed} again={again} /></section>;
  if (shifts.answer && !shift) return <section className="card"><EmptyNote title={t("production.no_shifts")} text={t("production.no_shifts_hint")} /></section>;
  if (!answer) return <section className="card"><Skeleton height={320} /></section>;
  if (answer.length === 0) return <section className="card"><EmptyNote title={t("production.empty")} text={t("production.empty_hint")} /></section>;
  return (
    <div className="wall" ref={board} data-frozen={state === "frozen"}>
      <header className="wall-head">
        <strong>{shift.name} {shift.crew}</strong>
        {state === "frozen" && <span className="chip" role="alert">{t("production.wall_frozen")}</span>}
        <span className="push">{now === null ? "" : clock(now, zone)}</span>
        {globalThis.document?.fullscreenEnabled && <button type="button" className="button wall-button" onClick={() => (document.fullscreenElement ? document.exitFullscreen() : board.current?.requestFullscreen())}>{t("production.full_screen")}</button>}
      </header>
      <div className="wall-lines">
        {answer.map((line) => (
          <section key={line.line_id} className="wall-line" data-line={line.line_id}>
            <h2>{line.name}</h2>
            <strong className="wall-oee">{percent(line.period.figures.oee)}</strong>
            <Bar value={line.period.figures.oee} target={line.target_oee} />
            <dl className="wall-factors">
              {["availability", "performance", "quality"].map((kpi) => <div key={kpi}><dt>{t("production.kpi", { kpi })}</dt><dd>{percent(line.period.figures[kpi])}</dd></div>)}
            </dl>
            <p>{line.biggest ? t("production.biggest", { loss: lossName(line.biggest.loss), time: duration(line.biggest.seconds) }) : t("production.no_stops")}</p>
            {line.uncategorised > 0 && <p className="wall-waits">{t("production.waiting", { count: line.uncategorised })}</p>}
          </section>
        ))}
      </div>
    </div>
  );
});
