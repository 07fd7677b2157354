/* What the copilot remembers, which machine a page is about, and how sources are numbered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assetOf, cited, isShortcut, TURNS_MAX, turnsOf, withTurn } from "../../../pdm_app/ui/browser/copilot.js";

test("turns of the session are read again, and rubbish in the storage is no harm", () => {
  const turn = { text: "Why?", answer: { sentences: [] } };
  assert.deepEqual(turnsOf(JSON.stringify([turn, { text: 7 }, null])), [turn]);
  assert.deepEqual([turnsOf("{"), turnsOf(null), turnsOf('"a"')], [[], [], []]);
  const many = Array.from({ length: TURNS_MAX }, (_, place) => ({ text: String(place), problem: "x" }));
  const next = withTurn(many, turn);
  assert.deepEqual([next.length, next[0].text, next.at(-1)], [TURNS_MAX, "1", turn]);
});

test("a page of a machine is about it, others are about none", () => {
  assert.deepEqual(["/asset/p-101a", "/asset/a%20b", "/fleet", "/asset", "/assets/p"].map(assetOf), ["p-101a", "a b", "", "", ""]);
});

test("the shortcut is Ctrl or Command with a full stop, and no other", () => {
  const pressed = (more) => isShortcut({ key: ".", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
  assert.deepEqual([pressed({ ctrlKey: true }), pressed({ metaKey: true }), pressed({}), pressed({ ctrlKey: true, altKey: true }), pressed({ ctrlKey: true, key: "," })], [true, true, false, false, false]);
});

test("a source that is named twice has one number", () => {
  const alarm = { kind: "alarm", id: "1", label: "High", href: "/asset/a?tab=alarms" };
  const signal = { kind: "signal", id: "2", label: "Flow", href: "/trends?s=2" };
  const { all, of } = cited([{ sources: [alarm] }, { sources: [signal, { ...alarm }] }]);
  assert.deepEqual(all.map(({ number, source }) => [number, source.label]), [[1, "High"], [2, "Flow"]]);
  assert.equal(of({ ...alarm }), 1);
});
