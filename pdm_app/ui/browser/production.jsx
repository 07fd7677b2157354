/* Production: how effective each line is, and one line from the minutes that went to the second at which it stopped.
   Line and time stand in the address, so that a view can be sent and the back button works. */
import { useEffect, useState } from "react";
import { duration, number, signed } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { ProductionLine } from "./production_line.jsx";
import { LIVE_EVERY_MS, lossName, percent } from "./production_words.js";

const SPANS = ["shift", "before", "day", "week", "month", "quarter"];
const DAYS = { day: 1, week: 7, month: 30, quarter: 90 };
const DAY_US = 86_400_000_000;
const MINUTE_US = 60_000_000;
const SLOWLY_EVERY_MS = 60_000; // What weeks come to moves slowly.

export const Production = guarded(function Production({ siteId = "", mayRecord = false, mayManage = false }) {
  const [place, go] = usePlace();
  const shifts = useQuery("shifts.show", siteId ? { site_id: siteId } : null);
  const round = useRound(place.span === "shift" ? LIVE_EVERY_MS : SLOWLY_EVERY_MS);
  if (!siteId) return <section className="card"><EmptyNote title={t("production.no_site")} /></section>;
  if (shifts.error && !shifts.answer) return <section className="card"><ErrorNote what={t("production.failed")} error={shifts.error} again={shifts.again} /></section>;
  if (!shifts.answer) return <section className="card"><Skeleton height={240} /></section>;
  const span = spanOf(place.span, shifts.answer);
  return (
    <div className="stack production">
      <div className="production-head">
        {place.line && <button type="button" className="button" onClick={() => go({ line: "" })}>{t("production.all_lines")}</button>}
        <div className="segments" role="group" aria-label={t("production.span")}>
          {SPANS.map((each) => (
            <button key={each} type="button" className="segment" aria-pressed={place.span === each} onClick={() => go({ span: each })}>{t("production.span_of", { span: each })}</button>
          ))}
        </div>
      </div>
      {!span && <section className="card"><EmptyNote title={t("production.no_shifts")} text={t("production.no_shifts_hint")} /></section>}
      {span && !place.line && <Overview siteId={siteId} span={span} round={round} onOpen={(line) => go({ line })} />}
      {span && place.line && (
        <ProductionLine key={`${place.line} ${place.span}`} siteId={siteId} lineId={place.line} span={span} round={round} mayRecord={mayRecord} mayManage={mayManage} />
      )}
    </div>
  );
});

function Overview({ siteId, span, round, onOpen }) {
  const { answer, error, again } = useQuery("production.overview", { site_id: siteId, ...span });
  useEffect(() => { if (round) again(); }, [round]);
  if (error && !answer) return <section className="card"><ErrorNote what={t("production.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={240} /></section>;
  if (answer.length === 0) return <section className="card"><EmptyNote title={t("production.empty")} text={t("production.empty_hint")} /></section>;
  return (
    <div className="production-lines">
      {answer.map((line) => <LineCard key={line.line_id} line={line} onOpen={() => onOpen(line.line_id)} />)}
    </div>
  );
}

function LineCard({ line, onOpen }) {
  const { figures } = line.period;
  const before = line.week_before.figures.oee;
  return (
    <section className="card stack" data-line={line.line_id}>
      <header className="card-head">
        <h2><button type="button" className="link" onClick={onOpen}>{line.name}</button></h2>
        <span className="aside">{line.area}</span>
        <span className="caption push">{t("production.rated_by", { machines: line.rated_by.join(", ") })}</span>
      </header>
      <div className="oee-figure">
        <button type="button" className="oee-big" onClick={onOpen} aria-label={t("production.open", { name: line.name, oee: percent(figures.oee) })}>{percent(figures.oee)}</button>
        <Bar value={figures.oee} target={line.target_oee} />
        <span className="caption">{target(line.target_oee, figures.oee, before)}</span>
      </div>
      <dl className="oee-factors">
        {["availability", "performance", "quality"].map((factor) => (
          <div key={factor}><dt>{t("production.kpi", { kpi: factor })}</dt><dd>{percent(figures[factor])}</dd></div>
        ))}
      </dl>
      {line.biggest && (
        <p>
          {t("production.biggest", { loss: lossName(line.biggest.loss), time: duration(line.biggest.seconds) })}
          {line.biggest.cost ? <strong> · {number(line.biggest.cost)} {line.currency}</strong> : null}
        </p>
      )}
      {line.uncategorised > 0 && <p><button type="button" className="link" onClick={onOpen}>{t("production.waiting", { count: line.uncategorised })}</button></p>}
      {figures.is_fast && <p className="note" data-compact="true">{t("production.too_fast")}</p>}
    </section>
  );
}

const target = (wanted, oee, before) =>
  [
    wanted === null ? "" : t("production.target", { target: percent(wanted) }),
    before === null ? "" : t("production.week_before", { oee: percent(before), change: oee === null ? "–" : signed((oee - before) * 100, 1) }),
  ].filter(Boolean).join(" · ");

/** A ratio as a bar with a mark where it should be; above one it is full. */
export function Bar({ value, target: wanted }) {
  return (
    <span className="ratio-bar" aria-hidden="true">
      <span className="ratio-fill" style={{ width: `${Math.min(1, Math.max(0, value ?? 0)) * 100}%` }} />
      {wanted !== null && wanted !== undefined && <span className="ratio-mark" style={{ left: `${wanted * 100}%` }} />}
    </span>
  );
}

// --- where the page is ----------------------------------------------------------------------------------------------

function read() {
  const asked = new URLSearchParams(globalThis.location?.search ?? "");
  const span = asked.get("span");
  return { line: asked.get("line") ?? "", span: SPANS.includes(span) ? span : "shift" };
}

function usePlace() {
  const [place, setPlace] = useState({ line: "", span: "shift" });
  useEffect(() => {
    const follow = () => setPlace(read());
    follow();
    globalThis.addEventListener("popstate", follow);
    return () => globalThis.removeEventListener("popstate", follow);
  }, []);
  const go = (change) => {
    const next = { ...read(), ...change };
    const asked = new URLSearchParams({ ...(next.line ? { line: next.line } : {}), span: next.span });
    globalThis.history.pushState(globalThis.history.state, "", `${globalThis.location.pathname}?${asked}`);
    setPlace(next);
  };
  return [place, go];
}

/** Counts up while somebody looks, so that what is live is asked again. */
function useRound(everyMs) {
  const [round, setRound] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && setRound((count) => count + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return round;
}

/** The time meant by a name; null where the site has no shifts of that kind. Days end at a full minute. */
function spanOf(name, { now, before }) {
  if (name === "shift") return ofShift(now ?? before);
  if (name === "before") return ofShift(before);
  const end = Math.ceil((Date.now() * 1_000) / MINUTE_US) * MINUTE_US;
  return { begin_at: end - DAYS[name] * DAY_US, end_at: end };
}

const ofShift = (shift) => (shift ? { begin_at: shift.begin_at, end_at: shift.end_at } : null);
