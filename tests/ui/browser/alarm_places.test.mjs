import assert from "node:assert/strict";
import { test } from "node:test";
import { areasOf, ofArea } from "../../../pdm_app/ui/browser/alarm_places.js";

const alarm = (id, area, priority) => ({ id, area, priority });
const placeOf = ({ area }) => ({ key: area, name: area.toUpperCase() });
const ALARMS = [alarm(1, "press", 3), alarm(2, "water", 2), alarm(3, "press", 3), alarm(4, "water", 4), alarm(5, "air", 1)];

test("areas are counted by priority, the one with the most urgent alarm first", () => {
  assert.deepEqual(areasOf(ALARMS, placeOf), [
    { key: "air", name: "AIR", count: 1, byPriority: [[1, 1]] },
    { key: "water", name: "WATER", count: 2, byPriority: [[2, 1], [4, 1]] },
    { key: "press", name: "PRESS", count: 2, byPriority: [[3, 2]] },
  ]);
  assert.deepEqual(areasOf([], placeOf), []);
});

test("a chosen area hides no critical alarm of another", () => {
  assert.deepEqual(ofArea(ALARMS, "water", placeOf).map(({ id }) => id), [2, 4, 5]);
  assert.deepEqual(ofArea(ALARMS, "gone", placeOf).map(({ id }) => id), [5]);
  assert.equal(ofArea(ALARMS, null, placeOf), ALARMS);
});
