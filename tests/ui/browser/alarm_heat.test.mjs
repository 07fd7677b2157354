/* The heatmap of alarms: rates by what was watched, and their shades. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { levelOf, ratesOf } from "../../../pdm_app/ui/browser/alarm_heat.js";

const week = (value) => Array.from({ length: 7 }, () => Array(24).fill(value));

test("an hour that was watched five times with five alarms is no worse than one with one", () => {
  const counts = week(0);
  const watched_h = week(4);
  counts[0][8] = 5;
  watched_h[0][8] = 5;
  counts[6][3] = 8;
  const { rates, most, worst } = ratesOf({ counts, watched_h });
  assert.equal(rates[0][8], 1);
  assert.equal(most, 2);
  assert.deepEqual(worst, { day: 6, hour: 3 });
  assert.deepEqual([levelOf(2, most), levelOf(1, most), levelOf(0.01, most), levelOf(0, most)], [5, 3, 1, 0]);
});

test("what nobody watched is no zero, and one alarm in a sliver of an hour is not sixty", () => {
  const counts = week(0);
  const watched_h = week(0);
  counts[2][9] = 1;
  watched_h[2][9] = 1 / 60;
  const { rates, most } = ratesOf({ counts, watched_h });
  assert.equal(rates[2][9], 1);
  assert.equal(most, 1);
  assert.equal(rates[0][0], null);
  assert.equal(levelOf(rates[0][0], most), null);
});

test("a time without alarms has no worst hour", () => {
  assert.equal(ratesOf({ counts: week(0), watched_h: week(1) }).worst, null);
});
