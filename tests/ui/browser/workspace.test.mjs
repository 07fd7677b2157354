import assert from "node:assert/strict";
import { test } from "node:test";
import { askedFor } from "../../../pdm_app/ui/browser/workspace_span.js";
import { added, csvOf, figuresOf, keyOf, lanesOf, marked, removed, rowAt, rowsOf, RUNS_MAX, SERIES_MAX, toggled, viewOf, within, withView } from "../../../pdm_app/ui/browser/workspace_state.js";

const S = 1e6;

test("a view comes back from its own address, and other parts of the address stay", () => {
  let list = added(added([], { signal: 41 }), { formula: "a / b & c" });
  const view = { list, marks: { a: 1_700_000_000_000_000, b: null }, earlier_s: 86_400, hidden: ["alarms", "notes"], isTable: true, runs: ["0198-a", "0198-b"], elapsed: [12.5, 600] };
  const params = withView(view, new URLSearchParams("span=3600&a=old&s=9"));
  assert.equal(params.get("span"), "3600");
  assert.deepEqual(viewOf(params), view);
});

test("an address that makes no sense shows nothing rather than failing", () => {
  const view = viewOf(new URLSearchParams("s=-1&s=abc&s==&s=1.5&s=7&s=7&a=never&earlier=5&hide=all.notes&as=picture&runs=..a/b.%20.ok.ok&elapsed=9~2"));
  assert.deepEqual(view.list.map(keyOf), ["7"]);
  assert.deepEqual(view.marks, { a: null, b: null });
  assert.equal(view.earlier_s, 0);
  assert.deepEqual(view.hidden, ["notes"]);
  assert.equal(view.isTable, false);
  assert.deepEqual([view.runs, view.elapsed], [["ok"], null]);
  for (const elapsed of ["", "5", "x~9", "-1~4", "4~4"]) assert.equal(viewOf(new URLSearchParams({ runs: "ok", elapsed })).elapsed, null);
});

test("a run is put among the others and taken away, and the first ones go where they are too many", () => {
  assert.deepEqual(toggled(["a"], "b"), ["a", "b"]);
  assert.deepEqual(toggled(["a", "b"], "a"), ["b"]);
  const many = Array.from({ length: RUNS_MAX }, (_, number) => `run-${number}`);
  assert.deepEqual(toggled(many, "new"), [...many.slice(1), "new"]);
});

test("no more series than can be told apart, and a colour that is free", () => {
  let list = [];
  for (let signal = 1; signal <= 12; signal += 1) list = added(list, { signal });
  assert.equal(list.length, SERIES_MAX);
  assert.deepEqual(list.slice(0, 6).map((series) => series.colour), [1, 2, 3, 4, 5, 6]);
  list = added(removed(list.slice(0, 6), "3"), { signal: 99 });
  assert.equal(list.at(-1).colour, 3);
});

test("series of one unit share a lane", () => {
  const units = { 1: "bar", 2: "Cel", 3: "bar" };
  assert.deepEqual(lanesOf([{ signal: 1 }, { signal: 2 }, { signal: 3 }], ({ signal }) => units[signal]), [{ unit: "bar", keys: ["1", "3"] }, { unit: "Cel", keys: ["2"] }]);
});

test("marks stay in order, and the nearer one moves", () => {
  assert.deepEqual(marked({ a: null, b: null }, 5), { a: 5, b: null });
  assert.deepEqual(marked({ a: 5, b: null }, 2), { a: 2, b: 5 });
  assert.deepEqual(marked({ a: 2, b: 10 }, 9), { a: 2, b: 9 });
  assert.deepEqual(marked({ a: 2, b: 10 }, 3), { a: 3, b: 10 });
});

test("figures between two marks: extremes of all points, mean by time, gaps not counted", () => {
  const columns = [[0, 10, 20, 30], [1, 2, null, 4], [1, 6, null, 4], [1, 4, null, 4]];
  const found = figuresOf(columns, 0, 40 * S);
  assert.deepEqual(found, { a: 1, b: 4, low: 1, high: 6, mean: (1 * 10 + 4 * 10 + 4 * 10) / 30, known: 0.75 });
  assert.equal(figuresOf(columns, 20 * S, 25 * S).mean, null);
  assert.equal(figuresOf([[], [], [], []], 0, 10).a, null);
  assert.equal(rowAt([0, 10], 9.9 * S), 0);
  assert.equal(rowAt([0, 10], -1), -1);
});

test("the table for a spreadsheet holds each time once and starts no formula", () => {
  const text = csvOf(["P-1, flow", "=a+b"], [[[0, 2], [1, 2], [1, 2], [1, 2]], [[1], [5], [5], [5]]]);
  assert.equal(text, 'time,"P-1, flow",\'=a+b\r\n1970-01-01T00:00:00.000Z,1,\r\n1970-01-01T00:00:01.000Z,1,5\r\n1970-01-01T00:00:02.000Z,2,5\r\n');
});

test("a table holds the rows of the span that is shown, the newest first, and of each series what stood then", () => {
  const columns = [[0, 10, 20, 30], [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, null, 4]];
  assert.deepEqual(within(columns, 10 * S, 30 * S)[0], [10, 20, 30]);
  assert.deepEqual(within(columns, 1 * S, 9 * S)[0], []);
  const { rows, total } = rowsOf([columns, [[5], [7], [7], [7]]], 2);
  assert.deepEqual(rows, [{ at: 30 * S, values: [4, 7] }, { at: 10 * S, values: [2, 7] }]);
  assert.equal(total, 4);
});

const DAY = 86_400 * S;
const NOW = 20_000 * DAY;

test("of thirty days whole buckets of a round width are asked for, with as much beside as is half of them", () => {
  const asked = askedFor({ from: NOW - 40 * DAY + 7, to: NOW - 10 * DAY + 7, isLive: false, width: 1000, now: NOW });
  const step = (asked.to - asked.from) / asked.buckets;
  assert.equal(step, 1800 * S);
  assert.equal(asked.from % step, 0);
  assert.ok(asked.from <= NOW - 55 * DAY + 7 && asked.to >= NOW + 0 * DAY);
});

test("a step aside asks for the same buckets, and never for more than is there", () => {
  const width = (from) => askedFor({ from, to: from + 30 * DAY, isLive: false, width: 1000, now: NOW });
  const [one, other] = [width(NOW - 90 * DAY), width(NOW - 90 * DAY + 12_345 * S)];
  assert.equal((one.to - one.from) / one.buckets, (other.to - other.from) / other.buckets);
  assert.ok(width(NOW - 20 * DAY).to <= NOW + 1800 * S);
  assert.equal(width(0).from, 0);
});

test("a quarter of an hour is asked for as it is shown, since samples are not read ahead", () => {
  assert.deepEqual(askedFor({ from: NOW - 900 * S, to: NOW, isLive: true, width: 800, now: NOW }), { from: NOW - 900 * S, to: NOW, buckets: 800 });
});
