/* A limit on the chart beside its rule: where it is under a pointer, and where a key moves it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endsOf, nudged, rounded, stepOf, valueAt } from "../../../pdm_app/ui/browser/limit_line.js";
import { askRule, offers, signalUnder } from "../../../pdm_app/ui/browser/rule_offers.js";
import { pixel } from "../../../pdm_app/ui/browser/scale.js";

const SCALE = { low: 0, high: 200 };

test("a height is turned back into the value that was drawn there", () => {
  assert.equal(valueAt(0, SCALE, 100), 200);
  assert.equal(valueAt(75, SCALE, 100), 50);
  for (const value of [0, 12.5, 80, 200]) assert.ok(Math.abs(valueAt(pixel(value, SCALE, 260), SCALE, 260) - value) < 1e-9);
});

test("a pointer that leaves the drawing holds the limit at its edge", () => {
  assert.equal(valueAt(-40, SCALE, 100), 200);
  assert.equal(valueAt(400, SCALE, 100), 0);
});

test("arrows move by a hundredth of what is drawn, Shift by the last decimal, other keys not at all", () => {
  assert.equal(stepOf(SCALE, 1), 2);
  assert.equal(nudged(80, "ArrowUp", false, SCALE, 1), 82);
  assert.equal(nudged(80, "PageDown", false, SCALE, 1), 60);
  assert.equal(nudged(80, "ArrowDown", true, SCALE, 1), 79.9);
  assert.equal(nudged(80, "Tab", false, SCALE, 1), null);
  assert.equal(nudged(null, "ArrowUp", false, SCALE, 1), null);
});

test("a step is never smaller than the signal can show", () => {
  assert.equal(stepOf({ low: 3.1, high: 3.2 }, 1), 0.1);
  assert.equal(nudged(0.1, "ArrowUp", true, { low: 0, high: 1 }, 1), 0.2);
  assert.equal(rounded(0.1 + 0.2, 1), 0.3);
});

test("the drawing holds what was, the normal band and the limit, and is never flat", () => {
  const { low, high } = endsOf([10, 20], 40, { normal_low: 5, normal_high: null });
  assert.ok(low < 5 && high > 40);
  const flat = endsOf([7, 7], 7, {});
  assert.ok(flat.low < 7 && flat.high > 7);
  assert.deepEqual(endsOf([], null, {}), { low: 0, high: 1 });
});

test("a rule is asked for only where a desk is ready, and with a number or none", () => {
  offers.set({ ready: false, asked: null });
  assert.equal(askRule(3), false);
  offers.set({ ready: true, asked: null });
  assert.equal(askRule("3", { value: "open" }), true);
  assert.deepEqual(offers.get().asked, { signalId: 3, value: null, at: null });
  assert.equal(askRule(null), false);
});

test("the signal of a value is that of the nearest element that names one", () => {
  const inside = (signal) => ({ closest: (selector) => (selector === "[data-signal]" && signal ? { dataset: { signal } } : null) });
  assert.equal(signalUnder(inside("12")), 12);
  assert.equal(signalUnder(inside("")), null);
  assert.equal(signalUnder(null), null);
});
