// The tour's stops and list: read within 90 seconds, for everybody only what they may see and do, resumed where it was.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { after, deedsFor, read, STOPS, stopsFor } from "../../../pdm_app/ui/browser/tour_stops.js";

const WORDS_PER_MINUTE = 230; // A grown-up reads so fast, silently: Brysbaert, J. Mem. Lang. 109, 2019 (238 for prose).
const PRESS_S = 2; // To see that a stop is read, and to go to the next.
const messages = JSON.parse(readFileSync(new URL("../../../pdm_app/ui/messages/en.json", import.meta.url), "utf8"));

test("all stops are read in ninety seconds", () => {
  const words = STOPS.flatMap(({ key }) => `${messages[`tour.stop.${key}`]} ${messages[`tour.words.${key}`]}`.split(" "));
  assert.ok((words.length / WORDS_PER_MINUTE) * 60 + STOPS.length * PRESS_S <= 90, `${words.length} words`);
});

test("who may not break a machine is led past that stop, and is offered what they may do alone", () => {
  const viewer = ["assets.read", "history.read", "firmware.read", "reports.read"];
  assert.deepEqual(stopsFor(viewer).map(({ key }) => key), ["plant", "alarm", "asset", "model", "loss", "firmware", "report"]);
  assert.deepEqual(deedsFor(viewer).map(({ key }) => key), ["report", "view"]);
  assert.ok(deedsFor(["production.record"]).some(({ key, path }) => key === "reason" && path === "/production/shift"));
});

test("a place kept from a longer tour is brought within this one, and nonsense is a fresh start", () => {
  assert.deepEqual(read('{"state":"away","at":40}', 8), { state: "away", at: 7 });
  assert.deepEqual(read('{"state":"lost","at":1}', 8), { state: "new", at: 0 });
  assert.deepEqual(read(null, 8), { state: "new", at: 0 });
});

test("the tour goes on, back, away and to its end", () => {
  assert.deepEqual(after({ state: "new", at: 0 }, "start", 8), { state: "on", at: 0 });
  assert.deepEqual(after({ state: "on", at: 7 }, "next", 8), { state: "done", at: 7 });
  assert.deepEqual(after({ state: "on", at: 0 }, "back", 8), { state: "on", at: 0 });
  assert.deepEqual(after(after({ state: "on", at: 3 }, "leave", 8), "resume", 8), { state: "on", at: 3 });
});
