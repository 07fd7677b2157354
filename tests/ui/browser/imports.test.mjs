import assert from "node:assert/strict";
import { test } from "node:test";
import { changedForm, choicesOf, planOf, sendFile, shareOf, trendOf, twiceIn } from "../../../pdm_app/ui/browser/imports.js";

const preview = { proposals: [{ column: "Flow", signal_id: 1, unit: "L/min" }, { column: "note", signal_id: null, unit: null }] };

test("what the preview proposes is a plan, without the columns that are left out", () => {
  const choices = choicesOf(preview);
  assert.deepEqual(planOf("up", { shape: "wide" }, choices), {
    upload_id: "up", form: { shape: "wide" }, columns: [{ column: "Flow", signal_id: 1, unit: "L/min" }],
  });
  assert.equal(planOf("up", {}, { Flow: { signal_id: null, unit: null } }), null);
});

test("two columns for one signal are no plan and are named", () => {
  const choices = { a: { signal_id: 7, unit: null }, b: { signal_id: 7, unit: "" } };
  assert.equal(twiceIn(choices), 7);
  assert.equal(planOf("up", {}, choices), null);
  assert.equal(twiceIn({ a: { signal_id: null }, b: { signal_id: null } }), null);
});

test("another column for the time has its format found out anew, all else stays as it is", () => {
  const form = { time_column: "a", time_format: "dmy", zone: "UTC" };
  assert.deepEqual(changedForm(form, { time_column: "b" }), { time_column: "b", time_format: "auto", zone: "UTC" });
  assert.deepEqual(changedForm(form, { zone: "Europe/Vienna" }), { ...form, zone: "Europe/Vienna" });
});

test("progress never passes the whole, and nothing to read is no division", () => {
  assert.equal(shareOf({ rows: 50, rows_about: 200 }), 25);
  assert.equal(shareOf({ rows: 300, rows_about: 200 }), 100);
  assert.equal(shareOf({ rows: 0, rows_about: 0 }), 0);
});

test("the trend is asked for the signals and the time of the import, with a little around it", () => {
  const address = trendOf({ signals: [{ signal_id: 4 }, { signal_id: 9 }], start_at: 60e6, end_at: 120e6 });
  const params = new URL(address, "http://plant").searchParams;
  assert.deepEqual(params.getAll("s"), ["4", "9"]);
  assert.deepEqual([params.get("from"), params.get("to")], ["1970-01-01T00:00:00.000Z", "1970-01-01T00:03:00.000Z"]);
});

class Answering {
  constructor(status, text) { Object.assign(this, { status, responseText: text, upload: {}, sent: {} }); }
  open(method, address) { Object.assign(this.sent, { method, address }); }
  setRequestHeader(name, value) { this.sent[name] = value; }
  send(body) { this.upload.onprogress({ loaded: 1, total: 4 }); this.sent.body = body; this.onload(); }
}

const sent = async (status, text) => {
  const shares = [];
  const request = new Answering(status, text);
  const file = { name: "läuft & mehr.csv" };
  const made = sendFile(file, (share) => shares.push(share), { Request: function Made() { return request; } });
  return { made, request, shares, file };
};

test("a file goes up as it is, under its escaped name, and says how far it is", async () => {
  const { made, request, shares, file } = await sent(201, '{"id":"u"}');
  assert.deepEqual(await made, { id: "u" });
  assert.equal(request.sent.address, "/api/uploads?kind=history&name=l%C3%A4uft%20%26%20mehr.csv");
  assert.equal(request.sent["content-type"], "application/octet-stream");
  assert.equal(request.sent.body, file);
  assert.deepEqual(shares, [0.25]);
});

test("what the server has against a file is told in its words, and a proxy's page is no answer", async () => {
  await assert.rejects((await sent(422, '{"error":{"message":"log.csv is empty."}}')).made, /log\.csv is empty\./);
  await assert.rejects((await sent(502, "<html>")).made, (error) => error.data === undefined);
});
