/* Which rows of the alarm list are open, which one has the focus, and for which a comment is being written. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

/** A set with `id` put in or taken out. */
export function toggled(before, id) {
  const next = new Set(before);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** {open, current, asking, act, move}; `act` keeps its identity, so that rows are not drawn again for its sake. */
export function useRows(rows, owed) {
  const [open, setOpen] = useState(() => new Set());
  const [current, setCurrent] = useState(null);
  const [asking, setAsking] = useState(null); // {id, purpose}
  const act = useMemo(() => ({
    toggle: (id) => setOpen((before) => toggled(before, id)),
    focus: setCurrent,
    ask: (id, purpose) => {
      if (id !== "chosen") setOpen((before) => new Set(before).add(id));
      setAsking({ id, purpose });
    },
    done: () => setAsking(null),
  }), []);

  useFirstOpen(owed, setOpen, setCurrent);
  useEffect(() => {
    // A row that has gone gives its place to the first one.
    if (rows.length && !rows.some((row) => row.id === current)) setCurrent(rows[0].id);
  }, [rows, current]);

  const move = useCallback((step) => {
    const index = rows.findIndex((row) => row.id === current);
    const next = rows[Math.min(rows.length - 1, Math.max(0, index + step))];
    if (!next) return;
    setCurrent(next.id);
    requestAnimationFrame(() => document.querySelector(`[data-alarm="${CSS.escape(next.id)}"]`)?.focus());
  }, [rows, current]);
  return { open, current, asking, act, move };
}

/* The worst alarm is open when the page opens, so that its action is read without a click; once only. */
function useFirstOpen(owed, setOpen, setCurrent) {
  const done = useRef(false);
  useEffect(() => {
    if (done.current) return;
    done.current = true;
    const wanted = new URLSearchParams(globalThis.location?.search).get("alarm");
    const first = owed.find((alarm) => alarm.id === wanted) ?? owed[0];
    if (!first) return;
    setOpen(new Set([first.id]));
    setCurrent(first.id);
  }, [owed, setOpen, setCurrent]);
}
