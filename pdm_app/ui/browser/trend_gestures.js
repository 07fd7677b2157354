/* Zoom by wheel and pinch, pan by finger or with Shift: pointers on a trend turned into "zoom by this factor here" and "move by that". */

/**
 * Listen on `surface`. `at(clientX)` is the time under a pointer; `on.zoom(factor, at)`, `on.move(share)`. The wheel
 * zooms only while the chart has the focus or Ctrl is held, so that a page with charts can still be scrolled.
 */
export function listen(surface, at, on) {
  const pointers = new Map();
  let spread = null;

  const wheel = (event) => {
    if (!event.ctrlKey && !event.metaKey && !surface.closest("[tabindex]")?.contains(document.activeElement)) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) on.move(event.deltaX / surface.clientWidth);
    else on.zoom(Math.exp(Math.max(-200, Math.min(200, event.deltaY)) * 0.002), at(event.clientX));
  };
  const down = (event) => {
    if (event.pointerType !== "touch" && !event.shiftKey) return;
    if (event.pointerType !== "touch") surface.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event.clientX);
    spread = null;
  };
  const held = (event) => event.shiftKey && event.stopImmediatePropagation(); // The plot itself would begin a selection.
  const moved = (event) => {
    const before = pointers.get(event.pointerId);
    if (before === undefined) return;
    pointers.set(event.pointerId, event.clientX);
    if (pointers.size === 1) {
      on.move((before - event.clientX) / surface.clientWidth);
    } else if (pointers.size === 2) {
      const [first, second] = [...pointers.values()];
      const next = Math.max(24, Math.abs(first - second));
      if (spread !== null) on.zoom(spread / next, at((first + second) / 2));
      spread = next;
    }
  };
  const up = (event) => {
    pointers.delete(event.pointerId);
    spread = null;
  };

  surface.addEventListener("wheel", wheel, { passive: false });
  surface.addEventListener("pointerdown", down);
  surface.addEventListener("mousedown", held, true);
  surface.addEventListener("pointermove", moved);
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) surface.addEventListener(end, up);
  return () => {
    surface.removeEventListener("wheel", wheel);
    surface.removeEventListener("pointerdown", down);
    surface.removeEventListener("mousedown", held, true);
    surface.removeEventListener("pointermove", moved);
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) surface.removeEventListener(end, up);
  };
}
