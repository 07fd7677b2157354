/* Draw only what is near the screen of a long list whose rows differ in height; the page itself scrolls. */
import { useCallback, useLayoutEffect, useRef, useState } from "react";

const nothing = () => {}; // One function for ever, so that rows need not be drawn again.
const MARGIN_PX = 600; // Drawn above and below the screen, so that a quick flick shows no hole.

/**
 * `items` have a `key`; `estimate(item)` is a height until the real one is measured. Returns {box, from, to, before,
 * after, measure}: put `box` on the list, draw items[from…to), give spacers of `before` and `after` pixels, and call
 * measure(key, element) as ref of each item.
 */
export function useVirtual(items, estimate, enabled) {
  const box = useRef(null);
  const heights = useRef(new Map());
  const [screen, setScreen] = useState({ top: 0, bottom: 4_000 });
  const [, remeasured] = useState(0);

  useLayoutEffect(() => {
    if (!enabled) return undefined;
    const look = () => {
      const top = box.current?.getBoundingClientRect().top ?? 0;
      const next = { top: -top - MARGIN_PX, bottom: -top + innerHeight + MARGIN_PX };
      setScreen((before) => (Math.abs(before.top - next.top) < MARGIN_PX / 3 && Math.abs(before.bottom - next.bottom) < MARGIN_PX / 3 ? before : next));
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [enabled]);

  const measure = useCallback((key, element) => {
    if (!element) return;
    const height = Math.round(element.getBoundingClientRect().height);
    if (height && heights.current.get(key) !== height) {
      heights.current.set(key, height);
      remeasured((count) => count + 1);
    }
  }, []);

  if (!enabled) return { box, from: 0, to: items.length, before: 0, after: 0, measure: nothing };
  const height = (item) => heights.current.get(item.key) ?? estimate(item);
  let from = 0;
  let before = 0;
  while (from < items.length && before + height(items[from]) < screen.top) {
    before += height(items[from]);
    from += 1;
  }
  let to = from;
  let y = before;
  while (to < items.length && y < screen.bottom) {
    y += height(items[to]);
    to += 1;
  }
  let after = 0;
  for (let index = to; index < items.length; index += 1) after += height(items[index]);
  return { box, from, to, before, after, measure };
}
