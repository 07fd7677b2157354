/* The shape of an alarm priority: square 1, triangle up 2, triangle down 3, diamond 4; readable without colour. */
import { useEffect, useRef } from "react";
import { t } from "./messages.js";

const OUTLINES = {
  1: "M2.5 2.5H17.5V17.5H2.5Z",
  2: "M10 1.6L18.8 17.4H1.2Z",
  3: "M1.2 2.6H18.8L10 18.4Z",
  4: "M10 .8L19.2 10L10 19.2L.8 10Z",
};
const RINGS = {
  1: "M-.6 -.6H20.6V20.6H-.6Z",
  2: "M10 -4.2L23.6 20.2H-3.6Z",
  3: "M-3.6 -.2H23.6L10 24.2Z",
  4: "M10 -3.6L23.6 10L10 23.6L-3.6 10Z",
};
const DIGIT_Y = { 1: 14, 2: 15.6, 3: 12, 4: 14 };
const FLASH_MS = 1_250; // 0.8 Hz

/**
 * `state`: "unacked" (filled, flashing ring), "acked" (filled), "returned" (outline), "shelved" (dashed grey), "none"
 * (thin grey, for a count of zero). `size`: height of the shape in pixels; the ring lies outside of it.
 */
export function PriorityShape({ priority, state = "acked", size = 20, label }) {
  const ring = useRef(null);
  useEffect(() => {
    // All rings of a page flash together, whenever they have appeared.
    if (ring.current) ring.current.style.animationDelay = `-${Math.round(performance.now() % FLASH_MS)}ms`;
  }, [state]);
  const known = OUTLINES[priority] ? priority : 4;
  const box = (size * 28.4) / 20;
  return (
    <svg
      className="priority" data-priority={known} data-state={state} viewBox="-4.2 -4.2 28.4 28.4" role="img"
      width={box} height={box} style={{ margin: (size - box) / 2 }}
      aria-label={label ?? t("priority.label", { priority: known, state })}
    >
      {state === "unacked" && <path className="priority-ring" d={RINGS[known]} ref={ring} />}
      <path className="priority-shape" d={OUTLINES[known]} />
      <text className="priority-digit" x="10" y={DIGIT_Y[known]} textAnchor="middle" aria-hidden="true">{known}</text>
    </svg>
  );
}
