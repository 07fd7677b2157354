/* A new password, rated by the server while it is chosen: length, common words, leaked ones. */
import { useEffect, useState } from "react";
import { post } from "./entrance.js";
import { Field } from "./form_parts.jsx";
import { t } from "./messages.js";

const ASK_AFTER_MS = 250;
const LEVELS = [1, 2, 3, 4];

function useStrength(password, username) {
  const [strength, setStrength] = useState({ level: 0, problem: "" });
  useEffect(() => {
    if (!password) {
      setStrength({ level: 0, problem: "" });
      return undefined;
    }
    let current = true;
    const timer = setTimeout(async () => {
      const outcome = await post("/api/auth/strength", { password, username: username ?? "" });
      if (current && outcome.ok) setStrength(outcome.told);
    }, ASK_AFTER_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [password, username]);
  return strength;
}

export function NewPassword({ label = t("login.password"), name = "password", username = "", error, autoFocus = false }) {
  const [password, setPassword] = useState("");
  const { level, problem } = useStrength(password, username);
  return (
    <>
      <Field label={label} name={name} type="password" autoComplete="new-password" required autoFocus={autoFocus} maxLength={256}
        error={error} onInput={(event) => setPassword(event.currentTarget.value)} />
      <div>
        <div className="strength" aria-hidden="true">{LEVELS.map((each) => <span key={each} data-on={each <= level} />)}</div>
        <span className="caption" aria-live="polite">
          {password && problem ? t("strength.refused", { problem }) : t("strength.level", { level: String(level) })}
        </span>
      </div>
    </>
  );
}
