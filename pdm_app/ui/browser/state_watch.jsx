/* A page whose state never came loads itself anew: its first message can be lost where a socket is taken over. */
import { useEffect } from "react";
import { guarded } from "./guard.jsx";

const WAIT_MS = 10_000;
const TRIES_MAX = 2;
const TRIED = "pdm.loaded_anew";

export const StateWatch = guarded(function StateWatch({ hasCome = false }) {
  useEffect(() => {
    if (hasCome) {
      sessionStorage.removeItem(TRIED);
      return undefined;
    }
    const timer = setTimeout(() => {
      const tried = Number(sessionStorage.getItem(TRIED)) || 0;
      if (tried >= TRIES_MAX) return; // Nobody answers there: loading for ever would help nobody.
      sessionStorage.setItem(TRIED, String(tried + 1));
      location.reload();
    }, WAIT_MS);
    return () => clearTimeout(timer);
  }, [hasCome]);
  return null;
});
