/* What the top bar says of the connection and the time: dot, clock, banner; and the rate at the foot of the rail. */
import { useEffect } from "react";
import { clock, number, timer, weekday, zoneName } from "./format.js";
import { setZone, useLinkStatus, useNow, useQuery } from "./hooks.js";
import { t } from "./messages.js";

const RATE_EVERY_MS = 5_000;

/** ● Live 42 ms, or what is wrong and since when. */
export function ConnectionDot() {
  const { state, transport, age_s, latency_ms } = useLinkStatus();
  const words = { connecting: t("link.connecting"), live: t("link.live"), frozen: t("link.frozen"), signed_out: t("link.signed_out") }[state];
  const figure = state === "frozen" ? timer(age_s) : state === "live" && latency_ms !== null ? `${number(latency_ms)}\u00a0ms` : "";
  return (
    <span className="connection-dot" data-state={state} data-transport={transport} title={t(`link.why.${transport}`)}>
      <span className="dot" aria-hidden="true" />
      <span className="connection-words">{words}</span>
      {figure && <span className="connection-figure">{figure}</span>}
      {transport !== "ws" && state !== "signed_out" && <span className="chip connection-chip">{t(`link.transport.${transport}`)}</span>}
      <span className="visually-hidden" role="status">{words}</span>
    </span>
  );
}

/** 10:42:18 CET, on the server's clock and in the zone of the site. */
export function Clock({ timeZone = "UTC" }) {
  const now = useNow();
  useEffect(() => setZone(timeZone), [timeZone]);
  if (now === null) return <span className="clock" aria-hidden="true"><span className="clock-time">00:00:00</span></span>;
  return (
    <time className="clock" dateTime={new Date(now / 1000).toISOString()} title={`${weekday(now, timeZone)}, ${timeZone}`}>
      <span className="clock-time">{clock(now, timeZone)}</span> <span className="clock-zone">{zoneName(timeZone, now)}</span>
    </time>
  );
}

/** Says that the values on the page are no longer fed, and why nobody has to do anything about it. */
export function FrozenBanner() {
  const { state, age_s } = useLinkStatus();
  useEffect(() => {
    document.documentElement.dataset.link = state;
  }, [state]);
  if (state !== "frozen" && state !== "signed_out") return null;
  return (
    <div className="frozen-banner hatched" role="alert">
      <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true"><circle cx="8" cy="8" r="6.4" /><path d="M3.6 12.4L12.4 3.6" /></svg>
      <p>
        <strong>{state === "frozen" ? t("frozen.title", { age: timer(age_s) }) : t("frozen.signed_out")}</strong>{" "}
        <span>{state === "frozen" ? t("frozen.text") : t("frozen.signed_out_text")}</span>
      </p>
      {state === "signed_out" && (
        <a className="button" href={`/login?next=${encodeURIComponent(location.pathname + location.search)}`}>{t("frozen.sign_in")}</a>
      )}
    </div>
  );
}

/** Samples per second, buffer and drops; at the foot of the rail, where nothing is silently lost. */
export function PlantRate() {
  const { answer, again } = useQuery("system.info", {});
  useEffect(() => {
    const asking = setInterval(again, RATE_EVERY_MS);
    return () => clearInterval(asking);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- one timer for the life of the widget
  }, []);
  if (!answer) return <span className="plant-rate" />;
  return (
    <span className="plant-rate">
      {t("rate.samples", { rate: number(answer.samples_per_s, answer.samples_per_s < 10 ? 1 : 0) })}
      <br />
      {t("rate.buffer", { buffered: answer.buffer_samples, count: number(answer.buffer_samples), dropped: number(answer.samples_dropped) })}
    </span>
  );
}
