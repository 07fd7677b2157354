/* Says on top of the pages, to those who may do something about it, that a setting waits for the next start. */
import { useEffect, useState } from "react";
import { guarded } from "./guard.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Go } from "./parts.jsx";

const EVERY_MS = 60_000;
const CHANGED = "pdm-settings";

/** Have the banner look again: settings were changed on this page. */
export const told = () => globalThis.dispatchEvent(new Event(CHANGED));

export const SettingsBanner = guarded(function SettingsBanner() {
  const [waiting, setWaiting] = useState([]);
  useEffect(() => {
    let current = true;
    const look = () => link().query("settings.status").then((answer) => current && setWaiting(answer.restart_needed), () => {});
    look();
    const timer = setInterval(look, EVERY_MS);
    globalThis.addEventListener(CHANGED, look);
    return () => {
      current = false;
      clearInterval(timer);
      globalThis.removeEventListener(CHANGED, look);
    };
  }, []);
  if (waiting.length === 0) return null;
  return (
    <div className="note general-banner" data-compact="true" role="status">
      <span>{t("general.waits", { count: waiting.length, first: waiting[0] })}</span>
      <Go to="/settings/general">{t("nav.general")}</Go>
    </div>
  );
});
