/* A draft of settings: what it asks for, what is plainly wrong, and how a setting is found. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, faultsOf, isMeant, isOpen, RESET, same, sections, shownOf, valueOf } from "../../../pdm_app/ui/browser/settings_edit.js";

const view = (key, kind, { spec, ...more } = {}) => ({
  spec: {
    key, kind, description: "A page nobody touches signs out", choices: [], minimum: null, maximum: null,
    is_above_minimum: false, effect: "at_once", ...spec,
  },
  value: 60, stored: null, source: "default", fixed_by: "", ...more,
});
const IDLE = view("auth.idle_minutes", "number");
IDLE.spec.minimum = 0;
IDLE.spec.maximum = 1440;
const ROLES = view("auth.mfa_required_roles", "choices", { value: ["admin"], stored: ["admin"], source: "stored" });
const LOG = view("log.requests", "flag", { value: false });

test("a draft asks only for what differs", () => {
  const views = [IDLE, ROLES, LOG];
  assert.deepEqual(asked(views, {}), { changes: {}, resets: [], faults: {}, count: 0 });
  assert.deepEqual(asked(views, { "auth.idle_minutes": "60" }).changes, {});
  assert.deepEqual(asked(views, { "auth.idle_minutes": "15", "log.requests": true }).changes, { "auth.idle_minutes": 15, "log.requests": true });
  assert.deepEqual(asked(views, { "auth.mfa_required_roles": ["admin"] }).count, 0);
  assert.deepEqual(asked(views, { "auth.mfa_required_roles": [] }).changes, { "auth.mfa_required_roles": [] });
});

test("a reset counts where something was set", () => {
  assert.deepEqual(asked([IDLE, ROLES], { "auth.idle_minutes": RESET, "auth.mfa_required_roles": RESET }).resets, ["auth.mfa_required_roles"]);
});

test("what is plainly wrong is said while it is typed", () => {
  const whole = { ...IDLE.spec, kind: "integer", minimum: 1 };
  for (const [spec, text, fault] of [
    [IDLE.spec, "", "number"], [IDLE.spec, "soon", "number"], [IDLE.spec, "-1", "below"], [IDLE.spec, "1441", "above"],
    [whole, "1.5", "whole"], [whole, "0", "below"], [{ ...IDLE.spec, is_above_minimum: true }, "0", "below"],
    [IDLE.spec, "Infinity", "number"],
  ]) assert.equal(valueOf(spec, text).fault, fault, text);
  assert.equal(valueOf(IDLE.spec, " 7,5 ").value, 7.5);
  assert.deepEqual(valueOf({ kind: "texts" }, "10.0.0.1,  10.0.0.2\n").value, ["10.0.0.1", "10.0.0.2"]);
  assert.equal(asked([IDLE], { "auth.idle_minutes": "soon" }).faults["auth.idle_minutes"], "number");
});

test("settings are found by all words, in key, meaning or choices, and stand under their sections", () => {
  assert.ok(isMeant(IDLE, "idle min"));
  assert.ok(isMeant(IDLE, "TOUCHES"));
  assert.ok(!isMeant(IDLE, "idle nothing"));
  assert.deepEqual(sections([view("port", "integer"), IDLE, ROLES, view("tls.acme.mail", "text")]).map(({ section, views }) => [section, views.length]),
    [["installation", 1], ["auth", 2], ["tls.acme", 1]]);
  const outside = view("host", "text", { spec: { effect: "outside" } });
  assert.deepEqual(sections([outside, IDLE]).map(({ section }) => section), ["auth", "installation"], "what can be set comes first");
});

test("what the installation fixes or keeps to itself is not open", () => {
  assert.ok(isOpen(IDLE));
  assert.ok(!isOpen({ ...IDLE, source: "fixed" }));
  assert.ok(!isOpen(view("port", "integer", { spec: { effect: "outside" } })));
});

test("values are shown and compared as they are", () => {
  assert.equal(shownOf(ROLES.spec, ["admin", "manager"]), "admin, manager");
  assert.equal(shownOf(LOG.spec, false), "false");
  assert.equal(shownOf(LOG.spec, null), "");
  assert.ok(same(["a"], ["a"]) && !same(["a"], ["b"]) && !same(1, true));
});

test("faults of the server are told by key, whatever argument they came in", () => {
  const error = { data: { issues: [{ loc: ["auth", "idle_minutes"], msg: "too long" }, { loc: ["changes", "log.level"], msg: "no" }] } };
  assert.deepEqual(faultsOf(error), { "auth.idle_minutes": "too long", "log.level": "no" });
});
