import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock } from "../../../pdm_app/ui/browser/server_clock.js";

test("the offset is taken from the quickest of three answers, at the middle of its trip", async () => {
  let local_ms = 1_000;
  const trips_ms = [80, 10, 200];
  const clock = new ServerClock(async () => {
    const trip_ms = trips_ms.shift();
    local_ms += trip_ms / 2;
    const server_us = (local_ms + 5_000) * 1000; // The server is five seconds ahead.
    local_ms += trip_ms / 2;
    return server_us;
  }, () => local_ms);
  await clock.sync();
  assert.equal(clock.now(), (local_ms + 5_000) * 1000);
});

test("until it is measured the newest message's own stamp serves", () => {
  const clock = new ServerClock(async () => 0, () => 1_000);
  clock.witness(9_000_000);
  assert.equal(clock.now(), 9_000_000);
});

test("a message from far off means that a clock was set, and measures again", async () => {
  let ahead_ms = 0;
  let asked = 0;
  const clock = new ServerClock(async () => ((asked += 1), (1_000 + ahead_ms) * 1000), () => 1_000);
  await clock.sync();
  ahead_ms = 60_000;
  clock.witness(61_000_000);
  await clock.syncing;
  assert.equal(clock.now(), 61_000_000);
  assert.equal(asked, 6);
});

test("a server that does not answer leaves what is known", async () => {
  const clock = new ServerClock(async () => { throw new Error("away"); }, () => 1_000);
  clock.witness(2_000_000);
  await clock.sync();
  assert.equal(clock.now(), 2_000_000);
});
