/* Values in the units that the reader likes: turned once, where they are shown. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { forget, inUnits, isTurned, limitIn, measure, measured } from "../../../pdm_app/ui/browser/units_shown.js";

const stored = new Map();
globalThis.localStorage = { getItem: (key) => stored.get(key) ?? null };
const choose = (units) => {
  stored.set("pdm.units", units);
  forget();
};
const BEARING = { id: 7, unit: "Cel", decimals: 1, normal_low: 20, normal_high: 80, range_low: null, data_type: "number" };
const PRESSURE = { id: 8, unit: "bar", decimals: 2 };

beforeEach(() => choose("us"));

test("a temperature, its band and its limit read in Fahrenheit", () => {
  const shown = inUnits(BEARING);
  assert.deepEqual([shown.unit, shown.decimals, shown.normal_low, shown.normal_high, shown.range_low], ["[degF]", 1, 68, 176, null]);
  assert.equal(measure(BEARING, 100), 212);
  assert.equal(measure(shown, 100), 212, "whoever has turned the signal already gives native values all the same");
  assert.equal(BEARING.unit, "Cel", "the record itself stays");
});

test("turning twice changes nothing, and the same signal gives the same object", () => {
  const shown = inUnits(BEARING);
  assert.equal(inUnits(shown), shown);
  assert.equal(inUnits(BEARING), shown);
});

test("decimals follow the size of the unit", () => {
  assert.equal(inUnits(PRESSURE).decimals, 1);
  assert.equal(inUnits({ unit: "mm", decimals: 1 }).decimals, 2);
  assert.equal(inUnits({ unit: "um", decimals: 0 }).decimals, 1);
});

test("a limit has no more decimals than the values beside it", () => {
  assert.equal(limitIn({ unit: "m3/h", decimals: 1 }, 95), 418);
  assert.equal(limitIn(BEARING, 80), 176);
  choose("si");
  assert.equal(limitIn({ unit: "bar", decimals: 1 }, 4.125), 4.125, "nothing is turned, so nothing is rounded");
});

test("gaps, words and states stay what they are, columns and all", () => {
  assert.equal(measure(BEARING, null), null);
  assert.equal(measure(BEARING, "open"), "open");
  const series = { at: [1, 2], low: [0, null], high: [100, null], mean: [50, null], last: [100, null], bucket_us: 5 };
  assert.deepEqual(measured(BEARING, series), { at: [1, 2], low: [32, null], high: [212, null], mean: [122, null], last: [212, null], bucket_us: 5 });
});

test("a unit without a counterpart stays, and so does everything in SI", () => {
  const speed = { id: 9, unit: "{rpm}", decimals: 0 };
  assert.equal(inUnits(speed), speed);
  assert.equal(measure(speed, 1480), 1480);
  choose("si");
  assert.equal(inUnits(BEARING), BEARING);
  assert.equal(measure(BEARING, 100), 100);
  assert.ok(!isTurned(BEARING));
});

test("nothing of a signal that is not known yet is asked", () => {
  assert.equal(inUnits(null), null);
  assert.equal(inUnits(undefined), undefined);
  assert.equal(measure(undefined, 4), 4);
});
