/* Light, dark, or as the system has it; kept in this browser. assets/theme.js applies it before the first paint. */
import { useEffect, useState } from "react";
import { link } from "./link.js";
import { t } from "./messages.js";

const KEY = "pdm.theme";
const CHOICES = ["system", "light", "dark"];

/** With `keep` the choice goes to the person's account too, so that the next screen knows it. */
export function ThemeSwitch({ keep = false }) {
  const [choice, setChoice] = useState("system");
  useEffect(() => setChoice(read()), []);
  const choose = (next) => {
    try {
      if (next === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, next);
    } catch {
      // Storage may be forbidden in a kiosk; the choice then lasts as long as the page.
      document.documentElement.dataset.theme = next;
    }
    setChoice(next);
    dispatchEvent(new Event("pdm-theme"));
    if (keep) store(next);
  };
  return (
    <div className="segments theme-switch" role="group" aria-label={t("theme.label")}>
      {CHOICES.map((each) => (
        <button key={each} type="button" className="segment" aria-pressed={choice === each} onClick={() => choose(each)}>
          {t(`theme.${each}`)}
        </button>
      ))}
    </div>
  );
}

function store(theme) {
  const line = link();
  line.query("profile.show").then(({ preferences }) => line.mutate("profile.prefer", { ...preferences, theme })).catch(() => {});
}

function read() {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system";
  }
}
