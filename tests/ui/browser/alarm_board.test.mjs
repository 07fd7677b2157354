import assert from "node:assert/strict";
import { test } from "node:test";
import { AlarmBoard, byUrgency, needsAcknowledging } from "../../../pdm_app/ui/browser/alarm_board.js";

const alarm = (id, state, priority = 2, raised_at = 0) => ({ id, state, priority, raised_at });
const board = (answers = {}) => new AlarmBoard(() => ({
  timed: () => {},
  mutate: async (path, input) => answers[path](input),
}));
const ids = (watched) => [...watched.store.get().alarms.keys()];

test("not acknowledged comes before returned before acknowledged, then priority, then the newest", () => {
  const sorted = [alarm("c1", "C", 1), alarm("d", "D", 4), alarm("old", "B", 3, 1), alarm("new", "B", 3, 2), alarm("b1", "B", 1)].sort(byUrgency);
  assert.deepEqual(sorted.map(({ id }) => id), ["b1", "new", "old", "d", "c1"]);
});

test("a change adds, replaces and removes; a snapshot forgets what it does not name", () => {
  const watched = board();
  watched.take({ kind: "snapshot", alarms: [alarm("a", "B"), alarm("b", "B")] });
  watched.take({ kind: "change", alarms: [alarm("a", "C"), alarm("c", "B")], gone: ["b"] });
  assert.deepEqual(ids(watched), ["a", "c"]);
  assert.equal(watched.store.get().alarms.get("a").state, "C");
  watched.take({ kind: "snapshot", alarms: [alarm("z", "B")] });
  assert.deepEqual(ids(watched), ["z"]);
});

test("a sign of life draws nothing again", () => {
  const watched = board();
  watched.take({ kind: "snapshot", alarms: [alarm("a", "B")] });
  const before = watched.store.get();
  watched.take({ kind: "change", alarms: [], gone: [], now: 1 });
  assert.equal(watched.store.get(), before);
});

test("an alarm that is normal and acknowledged is gone at once, without waiting for the stream", async () => {
  const watched = board({ "alarms.acknowledge": ({ alarm_id }) => alarm(alarm_id, "A") });
  watched.take({ kind: "snapshot", alarms: [alarm("a", "D")] });
  await watched.acknowledge({ id: "a" });
  assert.deepEqual(ids(watched), []);
});

test("a refusal is thrown to whoever pressed the button and changes nothing", async () => {
  const watched = board({ "alarms.acknowledge": () => { throw new Error("olga was first"); } });
  watched.take({ kind: "snapshot", alarms: [alarm("a", "B")] });
  await assert.rejects(watched.acknowledge({ id: "a" }), /olga was first/);
  assert.deepEqual(ids(watched), ["a"]);
});

test("a latched alarm stays in the list until it is reset; a silent one leaves it", async () => {
  const watched = board({ "alarms.reset": () => alarm("f", "A"), "alarms.shelve": () => alarm("b", "G") });
  watched.take({ kind: "snapshot", alarms: [alarm("e", "E"), alarm("f", "F"), alarm("b", "B")] });
  assert.deepEqual([...watched.store.get().alarms.values()].filter(needsAcknowledging).map(({ id }) => id), ["e", "b"]);
  await watched.reset({ id: "f" });
  await watched.shelve({ rule_id: "r" }, 600, "works");
  assert.deepEqual(ids(watched), ["e"]);
});

test("in a flood changes are drawn together, none is lost, and what somebody does is seen at once", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const watched = board({ "alarms.acknowledge": ({ alarm_id }) => alarm(alarm_id, "C") });
  let drawn = 0;
  watched.store.subscribe(() => { drawn += 1; });
  const some = (from, count, state = "B") => Array.from({ length: count }, (_, index) => alarm(`a${from + index}`, state));
  watched.take({ kind: "snapshot", alarms: some(0, 500) });
  assert.equal(drawn, 1);
  for (let from = 500; from < 10_000; from += 500) watched.take({ kind: "change", alarms: some(from, 500) });
  watched.take({ kind: "change", alarms: some(10, 1, "D"), gone: ["a11"] });
  assert.equal(drawn, 1);
  context.mock.timers.tick(250);
  assert.equal(drawn, 2);
  assert.equal(ids(watched).length, 9_999);
  assert.equal(watched.store.get().alarms.get("a10").state, "D");
  watched.take({ kind: "change", alarms: some(20_000, 1) });
  await watched.acknowledge({ id: "a42" });
  assert.equal(watched.store.get().alarms.get("a42").state, "C");
  assert.equal(ids(watched).length, 10_000);
  const shown = watched.store.get();
  context.mock.timers.tick(1_000);
  assert.equal(watched.store.get(), shown);
});

test("a snapshot in a flood forgets what was not drawn yet", () => {
  const watched = board();
  watched.take({ kind: "snapshot", alarms: Array.from({ length: 501 }, (_, index) => alarm(`a${index}`, "B")) });
  watched.take({ kind: "change", alarms: [alarm("late", "B")] });
  watched.take({ kind: "snapshot", alarms: [alarm("z", "B")] });
  assert.deepEqual(ids(watched), ["z"]);
});
