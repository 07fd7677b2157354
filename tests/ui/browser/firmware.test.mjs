/* What the firmware page makes of what people type. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOf, faultBelow, formOf, hardwareLine, hardwareOf } from "../../../pdm_app/ui/browser/firmware.js";

const FACTS = {
  name: "gateway-os", version: "2.0.0", security_version: 3, min_from_version: null, rollback_safe: true, notes: "Quieter fan.",
  hardware: [{ model: "GW-100", revisions: ["A", "B"] }, { model: "GW-200", revisions: [] }],
};

test("a line is a model with its revisions", () => {
  assert.deepEqual(hardwareOf("GW-100 A, B\n\n  GW-200  \nGW-300: C"), [
    { model: "GW-100", revisions: ["A", "B"] }, { model: "GW-200", revisions: [] }, { model: "GW-300", revisions: ["C"] },
  ]);
  assert.equal(hardwareLine(FACTS.hardware), "GW-100 (A, B), GW-200");
});

test("a draft that is opened and saved is the same", () => {
  assert.deepEqual(factsOf(formOf(FACTS)), FACTS);
});

test("what is left empty is not said", () => {
  const facts = factsOf(formOf());
  assert.deepEqual([facts.min_from_version, facts.hardware, facts.security_version], [null, [], 0]);
});

test("a fault is found below its field", () => {
  const error = { data: { issues: [{ loc: ["facts", "hardware", 0, "model"], msg: "too long" }] } };
  assert.equal(faultBelow(error, "hardware"), "too long");
  assert.equal(faultBelow(error, "version"), "");
  assert.equal(faultBelow(null, "version"), "");
});
