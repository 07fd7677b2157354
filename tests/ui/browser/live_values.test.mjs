import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { LiveValues } from "../../../pdm_app/ui/browser/live_values.js";

globalThis.requestAnimationFrame = (draw) => setTimeout(draw, 0);
const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

/** A link that only remembers who has subscribed to what. */
class Wire {
  open = [];
  subscribe(path, input, handlers) {
    const stream = { path, signals: input.signals, ...handlers };
    this.open.push(stream);
    return () => void this.open.splice(this.open.indexOf(stream), 1);
  }
  timed() {}
  say(rows) {
    for (const stream of [...this.open]) stream.onData({ now: 1, rows });
  }
}

let wire;
let values;
beforeEach(() => {
  wire = new Wire();
  values = new LiveValues(() => wire);
});

test("widgets that mount in one moment are served by one subscription, in order and without doubles", async () => {
  for (const id of [7, 3, 7, 5]) values.watch(id, () => {});
  await settled();
  assert.deepEqual(wire.open.map((stream) => [stream.path, stream.signals]), [["live.values", [3, 5, 7]]]);
});

test("more signals than one subscription takes are spread over several", async () => {
  for (let id = 1; id <= 501; id += 1) values.watch(id, () => {});
  await settled();
  assert.deepEqual(wire.open.map((stream) => stream.signals.length), [500, 1]);
});

test("an old stream ends only when the new one has spoken, so that no value is missed between", async () => {
  values.watch(1, () => {});
  await settled();
  values.watch(2, () => {});
  await settled();
  assert.equal(wire.open.length, 2);
  wire.open[1].onData({ now: 1, rows: [] });
  assert.deepEqual(wire.open.map((stream) => stream.signals), [[1, 2]]);
});

test("a stream that is replaced before its first word takes the one before it along", async () => {
  values.watch(1, () => {});
  await settled();
  values.watch(2, () => {});
  await settled();
  values.watch(3, () => {});
  await settled();
  wire.open.at(-1).onData({ now: 1, rows: [] });
  assert.deepEqual(wire.open.map((stream) => stream.signals), [[1, 2, 3]]);
});

test("nobody looking ends the stream", async () => {
  const leave = values.watch(1, () => {});
  await settled();
  leave();
  await settled();
  assert.equal(wire.open.length, 0);
});

test("a listener is called once per frame however many rows came, and only for its own signal", async () => {
  const heard = { 1: 0, 2: 0 };
  for (const id of [1, 2]) values.watch(id, () => (heard[id] += 1));
  await settled();
  wire.say([[1, 5, 0, 10, 11]]);
  wire.say([[1, 6, 0, 20, 21]]);
  await settled();
  assert.deepEqual(heard, { 1: 1, 2: 0 });
  assert.equal(values.get(1).value, 6);
});

test("a bad sample keeps the last good value and its time, for the age on screen", async () => {
  values.watch(1, () => {});
  await settled();
  wire.say([[1, 5, 0, 10, 11]]);
  wire.say([[1, 5, 201, 10, 99]]);
  assert.deepEqual(values.get(1).good, { value: 5, source_at: 10 });
  assert.equal(values.get(1).quality, 201);
});

test("a refused subscription is an error of every signal in it, until a value comes", async () => {
  values.watch(1, () => {});
  await settled();
  wire.open[0].onError(new Error("no such signal"));
  assert.match(values.errorOf(1).message, /no such signal/);
  wire.say([[1, 5, 0, 10, 11]]);
  assert.equal(values.errorOf(1), undefined);
});
