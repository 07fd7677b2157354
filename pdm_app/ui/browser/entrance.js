/* The endpoints before a session exists: posts, and what a person likes once it is known who they are. */
import { t } from "./messages.js";

/** Post JSON to an endpoint: {ok, told} or {ok: false, message, issues}. */
export async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const told = await answer.json().catch(() => null);
    if (answer.ok) return { ok: true, told };
    return { ok: false, message: told?.error?.message ?? t("login.failed", { status: answer.status }), issues: told?.error?.issues ?? [] };
  } catch {
    return { ok: false, message: t("error.unreachable"), issues: [] };
  }
}

export function issueOf(issues, field) {
  const found = issues?.find((issue) => issue.field === field);
  return found ? [found.problem, found.fix].filter(Boolean).join("; ") : "";
}

/* A socket carries the cookie of its handshake, so a new session needs a full page load. */
export function enter(path) {
  globalThis.location.assign(path || "/plant");
}

/** Where the way to a provider of the company begins, which leads back here, and then to `next`. */
export function wayTo(provider, next) {
  return `/api/auth/oidc/${provider}/begin${next ? `?${new URLSearchParams({ next })}` : ""}`;
}

/** Have this browser show the pages as the person likes them. */
export function apply(preferences) {
  if (!preferences) return;
  keep("pdm.theme", preferences.theme === "system" ? null : preferences.theme);
  keep("pdm.density", preferences.density === "comfortable" ? null : preferences.density);
  keep("pdm.language", preferences.language === "en" ? null : preferences.language);
  keep("pdm.units", preferences.units === "si" ? null : preferences.units);
  globalThis.dispatchEvent(new Event("pdm-theme"));
}

function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage may be forbidden in a kiosk; the pages then look as the system has it.
  }
}
