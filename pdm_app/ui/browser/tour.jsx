/* The guided tour of the demo: a strip at the head of the page that leads on, a list that ticks itself, and the reset. */
import { useEffect, useRef, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { ActError, useAct } from "./acknowledge.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Go } from "./parts.jsx";
import { after, deedsFor, HOMES, KEY, read, stopsFor } from "./tour_stops.js";

const LOOK_EVERY_MS = 250; // What is pointed at may not be there yet.
const LOOK_TIMES = 80;
const DEEDS_EVERY_MS = 5_000;

function stored() {
  try {
    return globalThis.localStorage?.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(tour) {
  try {
    globalThis.localStorage?.setItem(KEY, JSON.stringify(tour));
  } catch {
    // Without storage the tour begins anew on every page.
  }
}

export const Tour = guarded(function Tour({ rights = [] }) {
  const stops = stopsFor(rights);
  const [tour, setTour] = useState(null); // Nothing before the browser has said how far somebody is.
  const navigate = useNavigate();
  const { pathname } = useLocation();
  useEffect(() => setTour(read(stored(), stops.length)), []); // eslint-disable-line react-hooks/exhaustive-deps -- once
  const press = (what) => {
    const next = after(tour, what, stops.length);
    keep(next);
    setTour(next);
    if (next.state === "on" && pathname !== stops[next.at].path) navigate(stops[next.at].path);
    if (next.state === "done" && !HOMES.includes(pathname)) navigate(HOMES[0]);
  };
  if (tour === null || stops.length === 0) return null;
  if (tour.state === "on") return <Stop stop={stops[tour.at]} at={tour.at} count={stops.length} pathname={pathname} press={press} rights={rights} />;
  if (!HOMES.includes(pathname)) return null;
  if (tour.state === "done") return <Done press={press} rights={rights} />;
  return (
    <section className="tour tour-brief" aria-label={t("tour.label")} data-state={tour.state}>
      <span>{tour.state === "new" ? t("tour.offer") : t("tour.paused", { at: tour.at + 1, count: stops.length })}</span>
      <span className="tour-actions">
        <button type="button" className="button button-small" onClick={() => press(tour.state === "new" ? "start" : "resume")}>
          {tour.state === "new" ? t("tour.start") : t("tour.resume")}
        </button>
        {tour.state === "new" && <button type="button" className="button button-small button-plain" onClick={() => press("leave")}>{t("tour.later")}</button>}
      </span>
    </section>
  );
});

function Stop({ stop, at, count, pathname, press, rights }) {
  const box = useRef(null);
  const isThere = pathname === stop.path;
  usePointed(isThere ? stop.target : null);
  useEffect(() => box.current?.focus({ preventScroll: true }), [stop.key]);
  const key = (event) => {
    if (event.target.closest("input, select, textarea")) return;
    const what = { ArrowRight: "next", ArrowLeft: "back", Escape: "leave" }[event.key];
    if (!what || (what === "back" && at === 0)) return;
    event.preventDefault();
    press(what);
  };
  return (
    <section className="tour" ref={box} tabIndex={-1} aria-label={t("tour.label")} data-stop={stop.key} onKeyDown={key}>
      <header>
        <strong>{t(`tour.stop.${stop.key}`)}</strong>
        <span className="caption">{t("tour.at", { at: at + 1, count })}</span>
      </header>
      <p>{t(`tour.words.${stop.key}`)}</p>
      <div className="tour-actions">
        {!isThere && <button type="button" className="button button-small" onClick={() => press("resume")}>{t("tour.to_stop")}</button>}
        {at > 0 && <button type="button" className="button button-small" onClick={() => press("back")}>{t("tour.back")}</button>}
        <button type="button" className="button button-small button-primary" onClick={() => press("next")}>
          {at + 1 < count ? t("tour.next") : t("tour.finish")}
        </button>
        <button type="button" className="button button-small button-plain" onClick={() => press("leave")}>{t("tour.leave")}</button>
      </div>
      <Deeds rights={rights} />
    </section>
  );
}

function Done({ press, rights }) {
  return (
    <section className="tour" aria-label={t("tour.label")} data-stop="done">
      <details>
        <summary>{t("tour.done")}</summary>
        <div className="tour-actions">
          <button type="button" className="button button-small" onClick={() => press("again")}>{t("tour.again")}</button>
          {rights.includes("demo.control") && <Reset />}
        </div>
        <Deeds rights={rights} />
      </details>
    </section>
  );
}

/** Draw a frame around what a stop is about, once it is there. */
function usePointed(target) {
  useEffect(() => {
    if (target === null) return undefined;
    let pointed = null;
    let looks = 0;
    const look = () => {
      pointed = document.querySelector(target);
      looks += 1;
      if (pointed) pointed.setAttribute("data-pointed", "true");
      if (pointed || looks >= LOOK_TIMES) clearInterval(timer);
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    look();
    return () => {
      clearInterval(timer);
      pointed?.removeAttribute("data-pointed");
    };
  }, [target]);
}

/** What somebody has really done, as the server's audit trail tells. */
function Deeds({ rights }) {
  const { answer, again } = useQuery("demo.deeds");
  const asking = useRef(again);
  asking.current = again;
  useEffect(() => {
    const timer = setInterval(() => asking.current(), DEEDS_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const done = answer ?? [];
  const open = deedsFor(rights);
  return (
    <ul className="tour-deeds" aria-label={t("tour.deeds", { done: open.filter(({ key }) => done.includes(key)).length, count: open.length })}>
      {open.map(({ key, path }) => (
        <li key={key} data-done={done.includes(key)}>
          <span aria-hidden="true">{done.includes(key) ? "✓" : "○"}</span> <Go to={path}>{t(`tour.deed.${key}`)}</Go>
          <span className="visually-hidden">{done.includes(key) ? t("tour.deed_done") : t("tour.deed_open")}</span>
        </li>
      ))}
    </ul>
  );
}

function Reset() {
  const { run, busy, error } = useAct();
  const [isSure, setSure] = useState(false);
  const [isReset, setReset] = useState(false);
  const reset = () => run(async () => {
    await link().mutate("demo.reset");
    setSure(false);
    setReset(true);
  });
  return (
    <>
      {isSure
        ? <button type="button" className="button button-small button-primary" disabled={busy} onClick={reset}>{t("tour.reset_sure")}</button>
        : <button type="button" className="button button-small" onClick={() => setSure(true)}>{t("tour.reset")}</button>}
      {isReset && !isSure && <span role="status">{t("tour.is_reset")}</span>}
      <ActError error={error} />
    </>
  );
}
