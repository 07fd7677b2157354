/* What was deleted, and for ten seconds a button that brings it back. */
import { useEffect } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { t } from "./messages.js";

export const UNDO_MS = 10_000;

/** `onUndo` restores; `onOver` puts the note away, also when nobody wanted it back. */
export function UndoNote({ what, onUndo, onOver }) {
  const { run, busy, error } = useAct();
  useEffect(() => {
    if (busy || error) return undefined; // Somebody is at it, or reads why it failed.
    const timer = setTimeout(onOver, UNDO_MS);
    return () => clearTimeout(timer);
  }, [what, busy, error]);
  return (
    <div className="note undo-note" role="status">
      <p className="note-text">{what}</p>
      <ActError error={error} />
      <div className="note-actions">
        <button type="button" className="button button-small" disabled={busy} onClick={() => run(onUndo)}>{t("action.undo")}</button>
      </div>
    </div>
  );
}
