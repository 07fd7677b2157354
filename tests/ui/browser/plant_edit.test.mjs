/* Forms of the plant: what they say, and what of it is sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assetOf, changesOf, conditionOf, ruleOf, suppressionsOf, typedNumber } from "../../../pdm_app/ui/browser/plant_edit.js";

function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
}

const RULE = { name: " Too hot ", kind: "high", limit: "85,5", deadband: "", priority: "2", on_delay_s: "5", off_delay_s: "", cause: "", consequence: "", action: " Stop it. " };

test("a rule is read as it was typed, with a decimal comma or point", () => {
  assert.deepEqual(ruleOf(form(RULE)), {
    name: "Too hot", condition: { kind: "high", limit: 85.5, deadband: 0 }, priority: 2, on_delay_s: 5, off_delay_s: 0,
    comment_required: false, cause: "", consequence: "", action: "Stop it.",
  });
  assert.equal(ruleOf(form({ ...RULE, comment_required: "on" })).comment_required, true);
});

test("what is no number is sent as none, so that the server says so, and never as zero", () => {
  assert.ok(Number.isNaN(typedNumber("hot")));
  assert.equal(JSON.stringify({ limit: typedNumber("hot") }), '{"limit":null}');
  assert.equal(typedNumber("  "), null);
  assert.equal(typedNumber("-0.5"), -0.5);
});

test("only what differs is sent, so that what another person changed meanwhile stays", () => {
  const before = { ...ruleOf(form(RULE)), id: "r", revision: 3, enabled: true };
  assert.deepEqual(changesOf(before, ruleOf(form(RULE))), {});
  assert.deepEqual(changesOf(before, ruleOf(form({ ...RULE, limit: "90" }))), { condition: { kind: "high", limit: 90, deadband: 0 } });
  assert.deepEqual(changesOf(before, ruleOf(form({ ...RULE, name: "Hot", priority: "1" }))), { name: "Hot", priority: 1 });
  assert.deepEqual(changesOf({ code: "A", name: "B", asset_class: "" }, assetOf(form({ code: "A", name: " C", asset_class: "" }))), { name: "C" });
});

test("each kind of condition is read from its own fields, and what is left empty is left to the server", () => {
  const said = (fields) => conditionOf(form(fields));
  assert.deepEqual(said({ kind: "deviation", limit: "2", deadband: "", setpoint: "", setpoint_signal: "41" }), { kind: "deviation", limit: 2, setpoint_signal: 41 });
  assert.deepEqual(said({ kind: "discrete", abnormal: "3; 4,5" }), { kind: "discrete", abnormal: [3, 4, 5] });
  assert.deepEqual(said({ kind: "stale", after_s: "60" }), { kind: "stale", after_s: 60 });
  assert.deepEqual(said({ kind: "communication_lost" }), { kind: "communication_lost" });
  assert.deepEqual(said({ kind: "rate_of_change", limit_per_s: "0,5", window_s: "", direction: "rising" }), { kind: "rate_of_change", limit_per_s: 0.5, direction: "rising" });
});

test("silence by shift is changed without touching what else keeps a rule silent", () => {
  const guard = { signal_id: 7, condition: { kind: "low", limit: 1, deadband: 0 }, lingers_s: 0, why: "Not running" };
  const off = { silent: "off_shift", why: "Nobody there" };
  assert.deepEqual(suppressionsOf([guard], "off_shift"), [guard, { silent: "off_shift", why: "" }]);
  assert.deepEqual(suppressionsOf([guard, off], "off_shift"), [guard, off], "what was said of it stays");
  assert.deepEqual(suppressionsOf([guard, off], "in_shift"), [guard, { silent: "in_shift", why: "" }]);
  assert.deepEqual(suppressionsOf([guard, off], ""), [guard]);
  assert.deepEqual(changesOf({ suppressions: [guard, off] }, { suppressions: suppressionsOf([guard, off], "off_shift") }), {});
});
