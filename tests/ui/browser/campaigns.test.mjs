/* What the pages of campaigns and device groups make of records, and of what people type. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  barOf, errorPercent, factsOf, latest, newForm, phasesOf, rowsOf, skippedBy, stepsOf, tally, underWay, waitsForAnother, withPhase,
} from "../../../pdm_app/ui/browser/campaigns.js";
import * as groups from "../../../pdm_app/ui/browser/device_groups.js";

const RIGHTS = ["firmware.read", "firmware.publish", "firmware.approve"];
const campaign = (more = {}) => ({
  state: "running", kind: "forward", phase: 0, started_at: 1, second_person: true, created_by: "ada", phases: [{ name: "Canary" }, { name: "The rest" }], ...more,
});
let number = 0;
const action = (device_id, state, phase = 0) => ({ id: `a${(number += 1)}`, number, device_id, state, phase });

test("the bar has the states there are, those that are done first and those that need a look last", () => {
  assert.deepEqual(barOf({ failed: 1, downloading: 2, succeeded: 3, lost: 0 }), [
    { state: "succeeded", count: 3 }, { state: "downloading", count: 2 }, { state: "failed", count: 1 },
  ]);
});

test("of a device that was tried again the newest action counts, in whatever order they come", () => {
  const [old, again] = [action("d1", "failed"), action("d1", "succeeded")];
  assert.deepEqual(latest([again, old]), [again]);
});

test("who is left out is not counted, and who waits to try again has not failed", () => {
  const counted = tally(["succeeded", "rolled_back", "lost", "expired", "failed", "retry_wait", "skipped", "canceled"].map((state, at) => action(`t${at}`, state)));
  assert.deepEqual(counted, { devices: 6, succeeded: 1, failed: 4, under: 1 });
  assert.equal(errorPercent({ failed: 1, devices: 24 }).toFixed(1), "4.2");
  assert.equal(errorPercent({ failed: 0, devices: 0 }), 0);
});

test("a phase is done, under way, or not yet, and has its own devices", () => {
  const shown = phasesOf(campaign({ phase: 1 }), [action("d1", "succeeded", 0), action("d2", "pending", 1), action("d3", "skipped", 0)]);
  assert.deepEqual(shown.map(({ standing, tally: { devices } }) => [standing, devices]), [["over", 1], ["open", 1]]);
  assert.deepEqual(phasesOf(campaign({ state: "draft", started_at: null }), []).map(({ standing }) => standing), ["later", "later"]);
  assert.deepEqual(phasesOf(campaign({ state: "finished", phase: 1 }), []).map(({ standing }) => standing), ["over", "over"]);
});

test("only what can be done now, by who may, is offered", () => {
  const failed = [action("d1", "failed")];
  assert.deepEqual(stepsOf(campaign({ state: "draft", started_at: null }), [], RIGHTS, "tom"), ["approve", "abort"]);
  assert.deepEqual(stepsOf(campaign({ state: "draft", started_at: null }), [], RIGHTS, "ada"), ["abort"]);
  assert.deepEqual(stepsOf(campaign({ state: "draft", started_at: null, second_person: false }), [], RIGHTS, "ada"), ["approve", "abort"]);
  assert.deepEqual(stepsOf(campaign(), failed, RIGHTS, "ada"), ["pause", "retry", "roll_back", "abort"]);
  assert.deepEqual(stepsOf(campaign(), [], RIGHTS, "ada"), ["pause", "roll_back", "abort"]);
  assert.deepEqual(stepsOf(campaign({ state: "finished", kind: "rollback" }), failed, RIGHTS, "ada"), ["retry"]);
  assert.deepEqual(stepsOf(campaign(), failed, ["firmware.read", "firmware.approve"], "ada"), []);
  assert.equal(waitsForAnother(campaign({ state: "draft" }), "ada"), true);
  assert.equal(waitsForAnother(campaign({ state: "approved" }), "ada"), false);
});

test("an end meets those that have not begun, that load, and that install", () => {
  const states = ["scheduled", "retry_wait", "downloading", "waiting_window", "installing", "verifying", "succeeded"];
  assert.deepEqual(underWay(states.map((state, at) => action(`u${at}`, state))), { waiting: 2, loading: 2, installing: 2 });
});

test("devices that need a look come first, those left out last, and numbers in codes count", () => {
  const codes = { d1: "GW-10", d2: "GW-9", d3: "GW-1", d4: "GW-2" };
  const all = [action("d1", "pending"), action("d2", "pending"), action("d3", "skipped"), action("d4", "failed")];
  assert.deepEqual(rowsOf(all, codes).map((one) => codes[one.device_id]), ["GW-2", "GW-9", "GW-10", "GW-1"]);
  assert.deepEqual(rowsOf(all, codes, "attention").map((one) => codes[one.device_id]), ["GW-2"]);
  assert.deepEqual(rowsOf(all, codes, "skipped").map((one) => codes[one.device_id]), ["GW-1"]);
});

test("a new campaign begins with five devices, then a quarter, then the rest", () => {
  const form = { ...newForm({ canary: "Canary", quarter: "Quarter", rest: "The rest" }), name: " To all ", release_id: "r", group_id: "g" };
  const facts = factsOf(form, "graz");
  assert.deepEqual(facts.phases.map(({ devices, percent }) => [devices, percent]), [[5, null], [null, 25], [null, null]]);
  assert.deepEqual([facts.name, facts.site_id, facts.soak_s, facts.forced_at, facts.second_person], ["To all", "graz", 600, null, true]);
  assert.deepEqual([facts.bytes_per_s_max, factsOf({ ...form, pace: "16.5" }, "graz").bytes_per_s_max], [null, 16_500]);
  assert.deepEqual(withPhase(form.phases, "Half").map((phase) => phase.name), ["Canary", "Quarter", "Half", "The rest"]);
});

test("a window is said in minutes, and a moment only where one is meant", () => {
  const form = { ...newForm({}), name: "n", windows: [{ weekdays: [6, 0], begin: "22:30", hours: "1.5" }], forced_at: "2026-03-01T10:00" };
  for (const phase of form.phases) phase.name = "p";
  assert.deepEqual(factsOf(form, "s").windows, [{ weekdays: [0, 6], begin: "22:30", minutes: 90 }]);
  assert.equal(factsOf(form, "s").forced_at, null);
  assert.equal(factsOf({ ...form, mode: "time_forced" }, "s").forced_at, new Date("2026-03-01T10:00").getTime() * 1000);
});

test("who is left out of a plan is told by the reason", () => {
  const devices = [{ code: "A", why_not: "" }, { code: "B", why_not: "no hardware" }, { code: "C", why_not: "too old" }, { code: "D", why_not: "too old" }];
  assert.deepEqual(skippedBy(devices), [{ why: "too old", codes: ["C", "D"] }, { why: "no hardware", codes: ["B"] }]);
});

test("a group has a filter or named members, never both", () => {
  const named = { id: "g", name: "Gateways", note: "", filter: null, device_ids: ["d1"] };
  assert.deepEqual(groups.factsOf(groups.formOf(named), "s"), { site_id: "s", name: "Gateways", note: "", filter: null, device_ids: ["d1"] });
  const typed = { ...groups.formOf(named), kind: "filter", filter: " code ~ gw-* " };
  assert.deepEqual([groups.factsOf(typed, "s").filter, groups.factsOf(typed, "s").device_ids], ["code ~ gw-*", []]);
  assert.equal(groups.formOf().kind, "filter");
  assert.equal(groups.previewOf(groups.formOf(), "s").name, "preview");
});

test("members come first, versions by how many run them, and a tick is turned", () => {
  const told = [{ code: "b", is_member: false }, { code: "a10", is_member: true }, { code: "a9", is_member: true }];
  assert.deepEqual(groups.byMembership(told).map(({ code }) => code), ["a9", "a10", "b"]);
  assert.deepEqual(groups.versionsOf({ "": 1, "2.0.0": 4 }), [{ version: "2.0.0", count: 4 }, { version: "", count: 1 }]);
  assert.deepEqual(groups.turned(["a"], "a"), []);
  assert.deepEqual(groups.turned(["a"], "b"), ["a", "b"]);
});
