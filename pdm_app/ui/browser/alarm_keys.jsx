/* The keyboard of the alarm list, and the sheet that explains it. */
import { useEffect, useRef } from "react";
import { t } from "./messages.js";
import { KeyHint } from "./parts.jsx";

const KEYS = [
  ["J", "K", "shortcut.move"], ["A", null, "shortcut.acknowledge"], ["C", null, "shortcut.note"], ["S", null, "shortcut.shelve"], ["↵", null, "shortcut.open"],
  ["E", null, "shortcut.expand"], ["X", null, "shortcut.select"], ["Esc", null, "shortcut.escape"], ["?", null, "shortcut.help"],
];

/** Call the list's acts for keys pressed anywhere on the page, except while somebody writes or a sheet is open. */
export function useAlarmKeys(acts) {
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  useEffect(() => {
    const press = (event) => {
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]")) return;
      const onControl = target.closest("a, button, summary");
      const does = {
        j: () => latest.current.move(1), ArrowDown: () => latest.current.move(1), k: () => latest.current.move(-1), ArrowUp: () => latest.current.move(-1),
        a: () => latest.current.acknowledge(), c: () => latest.current.comment(), s: () => latest.current.shelve(), e: () => latest.current.toggle(), x: () => latest.current.select(),
        "?": () => latest.current.help(), Escape: () => latest.current.escape(),
        ...(onControl ? {} : { Enter: () => latest.current.open(), " ": () => latest.current.toggle() }),
      }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!does) return;
      if (event.key.startsWith("Arrow") && !target.closest("[data-alarm]")) return; // Elsewhere arrows scroll the page.
      event.preventDefault();
      does();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

export function AlarmKeys({ open, close }) {
  const sheet = useRef(null);
  useEffect(() => {
    if (open) sheet.current?.showModal();
    else sheet.current?.close();
  }, [open]);
  return (
    <dialog className="sheet" ref={sheet} onClose={close} aria-label={t("shortcut.title_alarms")}>
      <h2>{t("shortcut.title_alarms")}</h2>
      <div className="sheet-keys">
        {KEYS.map(([key, other, message]) => (
          <Line key={message} keys={[key, other]} message={message} />
        ))}
      </div>
      <button type="button" className="button" onClick={close}>{t("action.close")}</button>
    </dialog>
  );
}

function Line({ keys, message }) {
  return (
    <>
      <span className="sheet-key">{keys.filter(Boolean).map((key) => <KeyHint key={key}>{key}</KeyHint>)}</span>
      <span>{t(message)}</span>
    </>
  );
}
