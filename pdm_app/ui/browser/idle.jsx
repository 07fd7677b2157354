/* A page that nobody touches signs out, after a minute's warning; every tab of the browser counts as one page. */
import { useEffect, useRef, useState } from "react";
import { enter, post } from "./entrance.js";
import { guarded } from "./guard.jsx";
import { leftOf } from "./idle_rule.js";
import { link } from "./link.js";
import { t } from "./messages.js";

const TOUCHED_AT = "pdm.touched_at";
const TELL_EVERY_MS = 60_000;
const WRITE_EVERY_MS = 5_000;
const SIGNS = ["pointerdown", "keydown", "wheel", "touchstart"];

function read() {
  try {
    return Number(localStorage.getItem(TOUCHED_AT)) || 0;
  } catch {
    return 0;
  }
}

function write(at) {
  try {
    localStorage.setItem(TOUCHED_AT, String(at));
  } catch {
    // Then each tab counts for itself.
  }
}

export const IdleWatch = guarded(function IdleWatch() {
  const [rule, setRule] = useState(null);
  const [left, setLeft] = useState(null);
  const touched = useRef(0);
  const told = useRef(0);
  useEffect(() => {
    let current = true;
    link().query("sessions.idle_rule").then((answer) => current && setRule(answer), () => {});
    return () => { current = false; };
  }, []);
  useEffect(() => {
    if (!rule || rule.idle_s === null) return undefined;
    touched.current = Date.now();
    write(touched.current);
    const touch = () => {
      touched.current = Date.now();
      if (touched.current - read() >= WRITE_EVERY_MS) write(touched.current);
      if (touched.current - told.current < TELL_EVERY_MS) return;
      told.current = touched.current;
      link().mutate("sessions.stay").catch(() => {});
    };
    const look = () => {
      const remaining = leftOf(Math.max(touched.current, read()), Date.now(), rule);
      setLeft(remaining);
      if (remaining === 0) leave();
    };
    const timer = setInterval(look, 1_000);
    for (const sign of SIGNS) addEventListener(sign, touch, { passive: true, capture: true });
    return () => {
      clearInterval(timer);
      for (const sign of SIGNS) removeEventListener(sign, touch, { capture: true });
    };
  }, [rule]);
  const stay = () => {
    touched.current = told.current = Date.now();
    write(touched.current);
    link().mutate("sessions.stay").catch(() => {});
    setLeft(null);
  };
  if (left === null) return null;
  return (
    <div className="idle-warning" role="alertdialog" aria-label={t("idle.title")}>
      <p><strong>{t("idle.title")}</strong> {t("idle.text", { left: String(left) })}</p>
      <button type="button" className="button button-primary" onClick={stay} autoFocus>{t("idle.stay")}</button>
    </div>
  );
});

let leaving = false;

async function leave() {
  if (leaving) return;
  leaving = true;
  const here = globalThis.location.pathname + globalThis.location.search;
  link().leave();
  await post("/api/auth/logout", {});
  enter(`/login?next=${encodeURIComponent(here)}`);
}
