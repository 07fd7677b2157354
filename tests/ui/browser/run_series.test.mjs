import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, isOutside, longestOf, movedSpan, spanOf, valuesAt, zoomedSpan } from "../../../pdm_app/ui/browser/run_series.js";

const RECORD = { id: 1, unit: "kW" };
const ANSWER = {
  signal: 1, every_s: 10, at_s: [0, 10, 20], band_runs: ["g"], band_low: [1, 2, null], band_high: [3, 4, null],
  runs: [{ run_id: "g", mean: [2, 3, null] }, { run_id: "r", mean: [2, 9, 5] }],
};

test("the columns of a plot: times, the band, one of each run; without golden runs the band is empty", () => {
  assert.deepEqual(columnsOf(ANSWER, RECORD), [[0, 10, 20], [1, 2, null], [3, 4, null], [2, 3, null], [2, 9, 5]]);
  const bare = columnsOf({ ...ANSWER, band_runs: [], band_low: [], band_high: [] }, RECORD);
  assert.deepEqual(bare.slice(1, 3), [[null, null, null], [null, null, null]]);
});

test("under the cursor stand the values of that step, without it the means of what is known", () => {
  const columns = columnsOf(ANSWER, RECORD);
  assert.deepEqual(valuesAt(columns, 1), [3, 9]);
  assert.deepEqual(valuesAt(columns, 2), [null, 5]);
  assert.deepEqual(valuesAt(columns, null), [2.5, 16 / 3]);
  assert.deepEqual(valuesAt([[0], [null], [null], [null]], null), [null]);
});

test("a value is outside only where there is a band and a value", () => {
  const columns = columnsOf(ANSWER, RECORD);
  assert.equal(isOutside(columns, 1, 9), true);
  assert.equal(isOutside(columns, 1, 4), false);
  assert.equal(isOutside(columns, 0, 0.5), true);
  assert.equal(isOutside(columns, 2, 100), false);
  assert.equal(isOutside(columns, 1, null), false);
  assert.equal(isOutside(columns, null, 9), false);
});

test("what is shown of the elapsed time stays inside the longest run, however it is zoomed and moved", () => {
  const longest = longestOf([ANSWER, { ...ANSWER, at_s: [0, 10], every_s: 20 }]);
  assert.equal(longest, 30);
  assert.deepEqual(spanOf(null, longest), { from_s: 0, to_s: 30 });
  assert.deepEqual(spanOf([20, 90], longest), { from_s: 0, to_s: 30 });
  assert.deepEqual(spanOf([25, 35], longest), { from_s: 20, to_s: 30 });
  assert.deepEqual(zoomedSpan({ from_s: 0, to_s: 30 }, 0.5, 30, longest), [15, 30]);
  assert.equal(zoomedSpan({ from_s: 15, to_s: 30 }, 4, 20, longest), null, "all of it");
  assert.deepEqual(movedSpan({ from_s: 0, to_s: 10 }, -1, longest), [0, 10]);
  assert.deepEqual(movedSpan({ from_s: 0, to_s: 10 }, 5, longest), [20, 30]);
  assert.equal(movedSpan({ from_s: 0, to_s: 30 }, 0.5, longest), null);
  const [from, to] = zoomedSpan({ from_s: 10, to_s: 11 }, 1e-9, 10.5, longest);
  assert.ok(to - from >= 0.1, "no closer than there are points");
});
