/* A button that copies a text, also where a page is not served over TLS and the browser has no clipboard for it. */
import { useEffect, useState } from "react";
import { t } from "./messages.js";

const SAID_MS = 2_000;

export function Copy({ text, label, className = "button button-small" }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return undefined;
    const timer = setTimeout(() => setSaid(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => setSaid((await copied(text)) ? t("error.copied") : t("api.copy_failed"));
  return <button type="button" className={className} onClick={copy} aria-live="polite">{said || label}</button>;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelecting(text);
  }
}

function copiedBySelecting(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
