/* Small parts that every widget uses: skeleton, empty and error notes, chips, keys, links and times. */
import { useEffect, useState } from "react";
import { Link as RouterLink } from "react-router";
import { briefDuration, clock, duration, moment } from "./format.js";
import { useNow, useZone } from "./hooks.js";
import { codeOf } from "./link.js";
import { t } from "./messages.js";

const SKELETON_AFTER_MS = 200; // Quicker answers never flash a skeleton.

/** A grey bar that holds the place of what is loading; invisible for the first 200 ms, so that quick answers do not flicker. */
export function Skeleton({ width = "100%", height = 16 }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return <span className="skeleton" data-shown={shown} style={{ width, height }} aria-hidden="true" />;
}

/** What failed, why, what to do; the id of the failure to quote, and a button that tries again. */
export function ErrorNote({ what, error, again, compact = false }) {
  const id = error?.data?.correlationId;
  const code = codeOf(error);
  const reached = code !== undefined;
  return (
    <div className="note note-error" data-compact={compact} role="alert">
      <p className="note-title">{what}</p>
      <p className="note-text">{reached ? error.message : t("error.unreachable")}</p>
      <div className="note-actions">
        {again && <button type="button" className="button button-small" onClick={again}>{t("action.retry")}</button>}
        {id && <CopyId id={id} />}
      </div>
    </div>
  );
}

function CopyId({ id }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(id);
    setCopied(true);
  };
  return (
    <button type="button" className="button button-small button-plain" onClick={copy} title={t("error.copy_id")}>
      {copied ? t("error.copied") : t("error.id", { id })}
    </button>
  );
}

/** What would stand here, and what can be done about it. */
export function EmptyNote({ title, text, children }) {
  return (
    <div className="note note-empty">
      <p className="note-title">{title}</p>
      {text && <p className="note-text">{text}</p>}
      {children && <div className="note-actions">{children}</div>}
    </div>
  );
}

export function SimulatedChip() {
  return <span className="chip chip-simulated" title={t("simulated.why")}>{t("simulated.chip")}</span>;
}

/** A key on the keyboard, as a hint inside a button. */
export function KeyHint({ children }) {
  return <kbd className="key">{children}</kbd>;
}

/** A link inside the product; other pages open without a reload. */
export function Go({ to, className = "link", children, ...rest }) {
  return <RouterLink to={to} className={className} {...rest}>{children}</RouterLink>;
}

/** How long ago a time was, renewed each second. */
export function Age({ since, brief = false }) {
  const now = useNow();
  if (now === null || !since) return null;
  const age_s = (now - since) / 1e6;
  return <span className="age">{brief ? briefDuration(age_s) : duration(age_s)}</span>;
}

/** The time of day at the site; with the date when it was not today. */
export function Moment({ at, timeZone }) {
  const now = useNow();
  const siteZone = useZone();
  const zone = timeZone || siteZone;
  if (!at) return null;
  return <time dateTime={new Date(at / 1000).toISOString()}>{now === null ? clock(at, zone) : moment(at, now, zone)}</time>;
}
