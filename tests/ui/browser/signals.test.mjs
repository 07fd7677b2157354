import assert from "node:assert/strict";
import { test } from "node:test";
import { derivedOf, drawnOf, inserted, measuredOf, nameIn, pointedAt } from "../../../pdm_app/ui/browser/signals.js";

const form = (fields) => new Map(Object.entries(fields));

test("a form that leaves numbers empty says that there are none", () => {
  const said = derivedOf(form({ name: " Power ", label: "Power", unit: "", decimals: "2", range_low: "", normal_high: "4,5" }), " a * b ");
  assert.equal(said.name, "Power");
  assert.equal(said.unit, "1");
  assert.equal(said.range_low, null);
  assert.equal(said.normal_high, 4.5);
  assert.equal(said.formula, "a * b");
});

test("a measured signal says where it comes from, and an address that is no JSON is a fault of the form", () => {
  const said = measuredOf(form({ name: "P", label: "P", connection_id: "", address: '{"register": 7}', scale: "0,1" }));
  assert.equal(said.connection_id, null);
  assert.deepEqual(said.address, { register: 7 });
  assert.equal(said.scale, 0.1);
  assert.throws(() => measuredOf(form({ name: "P", label: "P", address: "{" })), SyntaxError);
});

test("a fault is shown at its column, in long formulas with what stands around it", () => {
  assert.deepEqual(pointedAt("a + b", 5), { text: "a + b", mark: 4 });
  assert.deepEqual(pointedAt("a +", 4), { text: "a +", mark: 3 });
  const long = "x".repeat(300);
  const { text, mark } = pointedAt(long, 200);
  assert.ok(text.length <= 58 && text.startsWith("…") && text.endsWith("…"));
  assert.equal(mark, 29);
});

test("a word is put in at the caret, over what is selected", () => {
  assert.deepEqual(inserted("a + b", 4, 5, "Flow"), { text: "a + Flow", caret: 8 });
});

test("a signal of another machine is written with its code, in quotes where that is no word", () => {
  assert.equal(nameIn({ asset_id: "p1", name: "Flow" }, { code: "P1" }, "p1"), "Flow");
  assert.equal(nameIn({ asset_id: "p2", name: "Flow" }, { code: "P2" }, "p1"), "P2.Flow");
  assert.equal(nameIn({ asset_id: "p3", name: "Flow" }, { code: "P-101A" }, "p1"), '"P-101A".Flow');
});

test("empty buckets are gaps, and a bucket with a span is drawn as one", () => {
  const { points, spans, values } = drawnOf({ bucket_us: 10, at: [0, 10, 50], low: [1, 2, null], high: [3, 2, null], last: [2, 2, null] });
  assert.deepEqual(points, [[0, 2], [10, 2], [11, null], [50, null]]);
  assert.deepEqual(spans, [[0, 1, 3]]);
  assert.deepEqual(values.sort(), [1, 2, 2, 3]);
});
