import assert from "node:assert/strict";
import { test } from "node:test";
import { floodGroups, isFlood } from "../../../pdm_app/ui/browser/alarm_flood.js";

const NOW = 1e15;
const alarm = (id, priority, minutesAgo, group = "", asset_id = "p") => ({ id, priority, group, asset_id, raised_at: NOW - minutesAgo * 60e6 });
const many = (count, minutesAgo) => Array.from({ length: count }, (_, index) => alarm(`a${index}`, 3, minutesAgo));

test("a flood begins above ten alarms in ten minutes and lasts while five come in ten minutes", () => {
  assert.equal(isFlood(many(10, 5), NOW, false), false);
  assert.equal(isFlood(many(11, 5), NOW, false), true);
  assert.equal(isFlood(many(11, 11), NOW, false), false);
  assert.equal(isFlood(many(5, 5), NOW, true), true);
  assert.equal(isFlood(many(4, 5), NOW, true), false);
});

test("critical alarms stay in front whatever their group; the others stand by cause, first raised first", () => {
  const groups = floodGroups(
    [alarm("late", 2, 1, "cooling"), alarm("p1", 1, 1, "cooling"), alarm("first", 3, 9, "cooling"), alarm("mill", 4, 5)],
    () => "Milling",
  );
  assert.deepEqual(groups.map(([, members]) => members.map(({ id }) => id)), [["p1"], ["first", "late"], ["mill"]]);
  assert.deepEqual(groups.slice(1).map(([head]) => head), ["cooling", "Milling"]);
});
