/* What the training page reckons with: its address, the normal period, troubles, templates and what may be decided. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  actsOf, DAY_US, excludedOf, fitsRows, inForce, likeTemplate, movedEnd, paramsOf, placedEnd, placeOf, rowFor, scoreRange, scoreTicks, stepsOpen,
} from "../../../pdm_app/ui/browser/training.js";

const VIEW = { start_at: 0, end_at: 1_000 };
const place = (text) => placeOf(new URLSearchParams(text));

test("the address says where somebody is, and what it cannot mean is left out", () => {
  assert.deepEqual([place("").step, place("asset=p-1").step, place("asset=p-1&job=j").step, place("version=v&asset=p-1").step], ["machine", "data", "train", "decide"]);
  assert.deepEqual([place("days=8&row=7&begin=9&end=3&step=dance&detector=oracle"), place("days=1").row], [{ ...place("") }, 10]);
  const there = place("asset=p-1&job=j&begin=100&end=200&row=60&days=30&step=data&detector=pca");
  assert.deepEqual(placeOf(paramsOf(there)), there);
});

test("a step can be gone to once there is what it speaks of", () => {
  assert.deepEqual(stepsOpen({}), ["machine"]);
  assert.deepEqual(stepsOpen({ asset: "a" }), ["machine", "data"]);
  assert.deepEqual(stepsOpen({ asset: "a", job: "j" }), ["machine", "data", "train"]);
  assert.equal(stepsOpen({ version: "v" }).length, 5);
});

test("the ends of the normal period are moved by keys, stay inside, and never meet", () => {
  const span = { start_at: 200, end_at: 800 };
  assert.equal(movedEnd(span, "start_at", "ArrowRight", VIEW).start_at, 210);
  assert.equal(movedEnd(span, "end_at", "PageUp", VIEW).end_at, 900);
  assert.equal(movedEnd(span, "start_at", "Home", VIEW).start_at, 0);
  assert.equal(movedEnd(span, "start_at", "End", VIEW).start_at, 790);
  assert.equal(movedEnd(span, "start_at", "a", VIEW), null);
  assert.equal(placedEnd(span, "end_at", 5_000, VIEW).end_at, 1_000);
  assert.equal(placedEnd(span, "end_at", 0, VIEW).end_at, 210);
});

test("troubles are left out as far as they reach into the normal period, but for those that are kept", () => {
  const troubles = [{ id: "a", start_at: 0, end_at: 150 }, { id: "b", start_at: 300, end_at: 400 }, { id: "c", start_at: 900, end_at: 950 }];
  const span = { start_at: 100, end_at: 800 };
  assert.deepEqual(excludedOf(troubles, new Set(), span), [{ start_at: 100, end_at: 150 }, { start_at: 300, end_at: 400 }]);
  assert.deepEqual(excludedOf(troubles, new Set(["b"]), span), [{ start_at: 100, end_at: 150 }]);
});

test("a template chooses signals by name, whatever their numbers are", () => {
  const signals = [{ signal_id: 7, name: "Flow" }, { signal_id: 8, name: "Current" }];
  assert.deepEqual([...likeTemplate(signals, ["Current", "Colour"])], [8]);
});

test("a longer time is cut into longer rows, and too many rows are not offered", () => {
  assert.deepEqual([1, 7, 90].map(rowFor), [10, 60, 300]);
  assert.ok(fitsRows(90, 60) && !fitsRows(90, 10) && fitsRows(1, 1));
  assert.equal(DAY_US, 86_400_000_000);
});

test("scores are drawn so that each place of the threshold is seen", () => {
  const range = scoreRange([null, -2, 0.2], [{ shift: -0.5 }, { shift: 1.5 }]);
  assert.ok(range.low < -2 && range.high > 1.5);
  assert.deepEqual(scoreTicks(Math.log(0.2), Math.log(5)).map(({ times }) => times), [0.3, 1, 3]);
  assert.equal(inForce([{ shift: -0.5 }, { shift: 0 }, { shift: 0.5 }]), 1);
});

test("what is decided fits where a version stands; nothing comes into force without a replay", () => {
  const version = (more) => ({ id: "v2", state: "candidate", backtest: null, champion_at: null, ...more });
  assert.deepEqual(actsOf(version({ state: "shadow" }), [])[0], { act: "promote", why: "backtest" });
  assert.deepEqual(actsOf(version({ state: "shadow", backtest: {} }), [])[0], { act: "promote", why: "" });
  const champion = version({ state: "champion", champion_at: 9 });
  const before = { id: "v1", state: "retired", champion_at: 5 };
  assert.deepEqual(actsOf(champion, [champion, before]).map(({ act }) => act), ["roll_back", "retire"]);
  assert.deepEqual(actsOf(champion, [champion]).map(({ act }) => act), ["retire"]);
});
