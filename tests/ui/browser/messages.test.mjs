import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compile, placeholders } from "../../../pdm_app/ui/browser/icu.js";
import { t } from "../../../pdm_app/ui/browser/messages.js";

const catalogue = JSON.parse(readFileSync(new URL("../../../pdm_app/ui/messages/en.json", import.meta.url), "utf8"));

test("a plural takes the exact case before the category, and # is the count", () => {
  const say = compile("{n, plural, =0 {no alarms} one {# alarm} other {# alarms}}", "en");
  assert.equal(say({ n: 0 }), "no alarms");
  assert.equal(say({ n: 1 }), "1 alarm");
  assert.equal(say({ n: 4 }), "4 alarms");
});

test("the categories are those of the language, not of English", () => {
  const say = compile("{n, plural, one {# alarm} few {# alarmy} many {# alarmów} other {# alarmu}}", "pl");
  assert.deepEqual([1, 3, 5].map((n) => say({ n })), ["1 alarm", "3 alarmy", "5 alarmów"]);
});

test("a select falls back to other, and its cases may hold placeholders", () => {
  const say = compile("{kind, select, low {below {limit}} other {above {limit}}}", "en");
  assert.equal(say({ kind: "low", limit: 4 }), "below 4");
  assert.equal(say({ kind: "high", limit: 4 }), "above 4");
});

test("apostrophes stand for themselves unless they quote a brace", () => {
  assert.equal(compile("the plant's '{raw}' o''clock", "en")({}), "the plant's {raw} o'clock");
});

test("a message with braces that do not fit names the place", () => {
  assert.throws(() => compile("{n, plural, one {#}", "en"), /character \d+/);
  assert.throws(() => compile("{n, plural, one {x}}", "en"), /no case "other"/);
  assert.throws(() => compile("a } b", "en"), /unmatched/);
});

test("every message of the catalogue can be said", () => {
  for (const [key, message] of Object.entries(catalogue)) {
    const params = Object.fromEntries(placeholders(message).map((name) => [name, 2]));
    const said = t(key, params);
    assert.ok(said.length > 0 && !/[{}]/.test(said), `${key}: ${said}`);
  }
});
