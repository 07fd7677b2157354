import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as format from "../../../pdm_app/ui/browser/format.js";

const examples = JSON.parse(readFileSync(new URL("../formats.json", import.meta.url), "utf8"));

for (const [name, cases] of Object.entries(examples)) {
  for (const [input, expected] of cases) {
    test(`${name}(${JSON.stringify(input).slice(1, -1)}) reads ${expected}`, () => {
      assert.equal(format[name](...input), expected);
    });
  }
}
