import assert from "node:assert/strict";
import { test } from "node:test";
import { leftOf } from "../../../pdm_app/ui/browser/idle_rule.js";

const RULE = { idle_s: 3600, warn_s: 60 };
const TOUCHED = 1_800_000_000_000;
const left = (after_s, rule = RULE) => leftOf(TOUCHED, TOUCHED + after_s * 1000, rule);

test("a page that was touched says nothing until a minute before its end", () => {
  assert.equal(left(0), null);
  assert.equal(left(3539), null);
  assert.equal(left(3540), 60);
  assert.equal(left(3599.5), 1);
});

test("at the end nothing is left, and later not less than nothing", () => {
  assert.equal(left(3600), 0);
  assert.equal(left(90_000), 0);
});

test("a page that never ends never warns, and neither does one whose rule is not known yet", () => {
  assert.equal(left(90_000, { idle_s: null, warn_s: 60 }), null);
  assert.equal(left(90_000, null), null);
});
