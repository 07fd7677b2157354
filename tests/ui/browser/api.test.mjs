import assert from "node:assert/strict";
import { test } from "node:test";
import { call, issuesOf } from "../../../pdm_app/ui/browser/api_call.js";
import { beginning, byNoun, fieldsOf, hidden, kindOf, matching, missing, wordsOf } from "../../../pdm_app/ui/browser/api_schema.js";
import { snippets } from "../../../pdm_app/ui/browser/api_snippets.js";

const DEFS = {
  Level: { enum: ["low", "high"], type: "string" },
  High: { type: "object", required: ["limit"], properties: { kind: { const: "high", default: "high" }, limit: { type: "number" } } },
  Rate: { type: "object", required: ["limit_per_s"], properties: { kind: { const: "rate" }, limit_per_s: { type: "number", exclusiveMinimum: 0 } } },
  Rule: {
    type: "object",
    required: ["name", "condition"],
    properties: {
      note: { type: "string", default: "", maxLength: 2000 },
      name: { type: "string", minLength: 1, maxLength: 36 },
      level: { $ref: "#/$defs/Level", default: "low", description: "How urgent." },
      condition: { discriminator: { propertyName: "kind" }, oneOf: [{ $ref: "#/$defs/High" }, { $ref: "#/$defs/Rate" }] },
    },
  },
  Loop: { type: "object", required: ["inner"], properties: { inner: { $ref: "#/$defs/Loop" } } },
};
const RULE = { $ref: "#/$defs/Rule" };
const ORIGIN = "http://127.0.0.1:8000";
const PROCEDURES = [
  { path: "alarms.journal", type: "query", doc: "Return one page.", meta: { permission: "alarms.read" }, rest: { method: "GET", path: "/alarms/journal" } },
  { path: "alarms.comment", type: "mutation", doc: "Add a note to the journal.", meta: { permission: "alarms.acknowledge" }, rest: null },
  { path: "system.now", type: "query", doc: "Return the time.", meta: {}, rest: null },
];

test("each kind of schema has its field, and null beside it makes it nullable", () => {
  const kind = (schema) => kindOf(schema, DEFS).kind;
  assert.equal(kind({ $ref: "#/$defs/Level" }), "choice");
  assert.equal(kind({ const: 7 }), "choice");
  assert.equal(kind({ type: "boolean" }), "yes_no");
  assert.equal(kind({ type: "integer" }), "integer");
  assert.equal(kind({ type: "array", items: { type: "number" } }), "list");
  assert.equal(kind({ type: "array", prefixItems: [] }), "json");
  assert.equal(kind({ type: "object", additionalProperties: { type: "number" } }), "json");
  assert.equal(kind({ anyOf: [{ type: "string" }, { type: "number" }] }), "json");
  assert.equal(kind({}), "json");
  const optional = kindOf({ anyOf: [{ type: "string", maxLength: 5 }, { type: "null" }], default: null, description: "Why." }, DEFS);
  assert.deepEqual([optional.kind, optional.nullable, optional.schema.maxLength, optional.schema.description], ["text", true, 5, "Why."]);
});

test("a record that holds itself ends in JSON and not in a loop", () => {
  assert.equal(kindOf({ $ref: "#/$defs/Loop" }, DEFS, 9).kind, "json");
  assert.doesNotThrow(() => beginning({ $ref: "#/$defs/Loop" }, DEFS));
});

test("what must be sent comes first", () => {
  assert.deepEqual(fieldsOf(RULE, DEFS).map((field) => [field.name, field.required]), [["name", true], ["condition", true], ["note", false], ["level", false]]);
});

test("a form begins with what is clear, and says what is missing", () => {
  const begun = beginning(RULE, DEFS);
  assert.deepEqual(begun, { condition: { kind: "high" } });
  assert.deepEqual(missing(RULE, begun, DEFS), ["name", "condition.limit"]);
  assert.deepEqual(missing(RULE, { name: "x", condition: { kind: "rate", limit_per_s: 1 } }, DEFS), []);
  assert.deepEqual(missing({ type: "integer" }, undefined, DEFS), []);
});

test("a list that must have entries begins with them, and they are missing until they are filled in", () => {
  const schema = { type: "object", required: ["signals"], properties: { signals: { type: "array", minItems: 1, items: { type: "integer" } } } };
  const begun = beginning(schema, DEFS);
  assert.deepEqual(begun, { signals: [null] });
  assert.deepEqual(missing(schema, begun, DEFS), ["signals.0"]);
  assert.deepEqual(missing(schema, { signals: [] }, DEFS), ["signals"]);
  assert.deepEqual(missing(schema, { signals: [7] }, DEFS), []);
  assert.deepEqual(beginning({ type: "array", items: {} }, DEFS), []);
});

test("what is secret is hidden wherever it is shown", () => {
  const input = { password: "a", new_password: "b", user: { name: "c", secrets: ["d"], client_secret: "e" } };
  assert.deepEqual(hidden(input), { password: "•••", new_password: "•••", user: { name: "c", secrets: ["d"], client_secret: "•••" } });
  assert.equal(hidden(undefined), undefined);
});

test("fields are told in words", () => {
  assert.equal(wordsOf({ type: "string", minLength: 1, maxLength: 36 }, DEFS), "text, 1 to 36 characters");
  assert.equal(wordsOf({ type: "integer", minimum: 1 }, DEFS), "whole number, from 1");
  assert.equal(wordsOf({ type: "integer", minimum: 0, maximum: 2 ** 32 - 1 }, DEFS), "whole number");
  assert.equal(wordsOf({ anyOf: [{ type: "array", items: { type: "number" }, maxItems: 4 }, { type: "null" }] }, DEFS), "list, up to 4 entries, or null; each: number");
});

test("a search finds every word anywhere, what stands in the path first", () => {
  const paths = (words) => matching(PROCEDURES, words).map((procedure) => procedure.path);
  assert.deepEqual(paths(""), PROCEDURES.map((procedure) => procedure.path));
  assert.deepEqual(paths("journal"), ["alarms.journal", "alarms.comment"]);
  assert.deepEqual(paths("NOTE alarms"), ["alarms.comment"]);
  assert.deepEqual(paths("get /alarms"), ["alarms.journal"]);
  assert.deepEqual(paths("alarms.acknowledge"), ["alarms.comment"]);
  assert.deepEqual(paths("nowhere"), []);
  assert.deepEqual(byNoun(PROCEDURES).map(([noun, some]) => [noun, some.length]), [["alarms", 2], ["system", 1]]);
});

test("a search for an address finds it before those that begin with it, and these before those that hold it", () => {
  const at = (path, address) => ({ path, type: "query", doc: "", meta: {}, rest: { method: "GET", path: address } });
  const some = [at("rules.history", "/rules/{id}/history"), at("history.at", "/history/at"), at("history.envelope", "/history")];
  const found = ["history.envelope", "history.at", "rules.history"];
  assert.deepEqual(matching(some, "/history").map((procedure) => procedure.path), found);
  assert.deepEqual(matching(some, "get /History").map((procedure) => procedure.path), found);
});

test("code for a shell survives quotes, and fields of the path leave the query", () => {
  const procedure = { path: "a.b", type: "query", inputForm: "fields", rest: { method: "GET", path: "/a/{id}" } };
  const { curl } = snippets(procedure, { id: "x/y", note: "it's", signals: [1, 2] }, ORIGIN, "/api/v1");
  assert.match(curl, /'http:\/\/127\.0\.0\.1:8000\/api\/v1\/a\/x%2Fy\?note=it'\\''s&signals=1&signals=2'/);
  assert.match(curl, /-H "Authorization: Bearer \$PDM_TOKEN"/);
});

test("code is written for whatever stands in the JSON, also for what the server will refuse", () => {
  const procedure = { path: "a.b", type: "mutation", inputForm: "fields", rest: { method: "PATCH", path: "/a/{id}" } };
  for (const input of [null, 5, "x", [1], [[]], {}, { id: null }, { id: { deep: [] } }, undefined]) {
    const code = snippets(procedure, input, ORIGIN, "/api/v1");
    assert.deepEqual(Object.values(code).map((text) => typeof text), ["string", "string", "string"]);
    assert.deepEqual(missing(RULE, input, DEFS).map((path) => typeof path).filter((type) => type !== "string"), []);
  }
  assert.match(snippets(procedure, null, ORIGIN, "/api/v1").python, /client\.a\.b\(None\)/);
});

test("Python gets its own words for nothing, yes and no", () => {
  const procedure = { path: "a.b", type: "query", inputForm: "fields", rest: null };
  const { python } = snippets(procedure, { none: null, yes: true, no: false, text: 'say "hi" 😀\n' }, ORIGIN, "/api/v1");
  assert.ok(python.includes('client.a.b(none=None, yes=True, no=False, text="say \\"hi\\" 😀\\n")'), python);
});

test("a call takes its answer apart and tells what it took", async () => {
  const asked = [];
  const fetch = async (url, options) => {
    asked.push([options.method, url, options.body]);
    return { ok: true, status: 200, text: async () => '{"result":{"data":{"a":"é"}}}' };
  };
  const line = { url: `${ORIGIN}/trpc`, renewed: async () => false };
  const outcome = await call(PROCEDURES[0], { limit: 5 }, line, { fetch });
  assert.deepEqual([outcome.ok, outcome.status, outcome.answer, outcome.bytes], [true, 200, { a: "é" }, 30]);
  assert.ok(outcome.took_ms >= 0);
  await call(PROCEDURES[1], { alarm_id: "x" }, line, { fetch });
  await call(PROCEDURES[2], undefined, line, { fetch });
  assert.deepEqual(asked, [
    ["GET", `${ORIGIN}/trpc/alarms.journal?input=%7B%22limit%22%3A5%7D`, undefined],
    ["POST", `${ORIGIN}/trpc/alarms.comment`, '{"alarm_id":"x"}'],
    ["GET", `${ORIGIN}/trpc/system.now`, undefined],
  ]);
});

test("a token that has run out is renewed and the call made once more, never twice", async () => {
  let answered = 0;
  const fetch = async () => {
    answered += 1;
    return { ok: false, status: 401, text: async () => '{"error":{"message":"Sign in first."}}' };
  };
  const outcome = await call(PROCEDURES[2], undefined, { url: ORIGIN, renewed: async () => true }, { fetch });
  assert.deepEqual([answered, outcome.ok, outcome.answer.message], [2, false, "Sign in first."]);
});

test("what a proxy says is shown as it is, and issues are told by their field", async () => {
  const fetch = async () => ({ ok: false, status: 502, text: async () => "<h1>Bad gateway</h1>" });
  const outcome = await call(PROCEDURES[2], undefined, { url: ORIGIN, renewed: async () => false }, { fetch });
  assert.equal(outcome.text, "<h1>Bad gateway</h1>");
  assert.deepEqual(issuesOf(outcome), {});
  const refused = { ok: false, answer: { data: { issues: [{ loc: ["signals", 0], msg: "too small" }] } } };
  assert.deepEqual(issuesOf(refused), { "signals.0": "too small" });
});
