import assert from "node:assert/strict";
import { test } from "node:test";
import { discard, sendInTurns, unfinished } from "../../../pdm_app/ui/browser/uploads.js";

const TURN = 16 * 1024 * 1024;

/* A server that keeps what arrives; `cuts` says after how many bytes of a turn the line breaks, 0 for not at all. */
class Server {
  constructor(cuts = [], offset = 0) {
    Object.assign(this, { cuts, offset, size: 0, content: [], waits: [], asked: [], refusal: null });
    const server = this;
    this.Request = class {
      constructor() { Object.assign(this, { upload: {}, headers: {}, told: {} }); }
      open(method, address) { Object.assign(this, { method, address }); }
      setRequestHeader(name, value) { this.headers[name] = value; }
      getResponseHeader(name) { return this.told[name] ?? null; }
      async send(part) { await server.take(this, new Uint8Array(await part.arrayBuffer())); }
    };
    this.fetch = async (address, { method = "GET" }) => {
      this.asked.push(`${method} ${address.split("?")[0]}`);
      if (method === "POST") {
        this.params = new URLSearchParams(address.split("?")[1]);
        this.size = Number(this.params.get("bytes"));
        return answer(201, { id: "u", offset: this.offset });
      }
      const whole = this.offset === this.size;
      return answer(whole ? 200 : 202, whole ? { id: "u", sha256: "x" } : { id: "u" }, { "upload-offset": String(this.offset) });
    };
    this.wait = async (ms) => { this.waits.push(ms); };
  }

  async take(request, bytes) {
    assert.equal(request.headers["content-type"], "application/offset+octet-stream");
    assert.equal(Number(request.headers["upload-offset"]), this.offset);
    if (this.refusal) return end(request, this.refusal.status, { error: { message: this.refusal.message } });
    const cut = this.cuts.shift() ?? 0;
    const taken = cut ? bytes.subarray(0, cut - 1) : bytes; // 1 for a line on which nothing arrives.
    this.content.push(...taken.subarray(0, 3));
    this.offset += taken.length;
    request.upload.onprogress({ loaded: taken.length });
    if (cut) return request.onerror();
    request.told["upload-offset"] = String(this.offset);
    return end(request, this.offset === this.size ? 200 : 204, this.offset === this.size ? { id: "u", sha256: "x" } : "");
  }
}

const end = (request, status, content) => {
  Object.assign(request, { status, responseText: content ? JSON.stringify(content) : "" });
  request.onload();
};
const answer = (status, content, headers = {}) => ({
  status, ok: status < 300, json: async () => content, text: async () => JSON.stringify(content),
  headers: { get: (name) => headers[name] ?? null },
});

const file = (size) => {
  const blob = new Blob([new Uint8Array(size)]);
  return Object.assign(blob, { name: "läuft & mehr.swu", lastModified: 7 });
};
const send = (server, size = TURN + 100) => {
  const shares = [];
  const made = sendInTurns(file(size), (share, isDown) => shares.push([share, isDown]), { kind: "firmware", ...server });
  return made.then((upload) => ({ upload, shares }));
};

test("a file goes up in turns and is named with its size, date and hash", async () => {
  const server = new Server();
  const { upload, shares } = await send(server);
  assert.equal(upload.sha256, "x");
  assert.equal(server.offset, TURN + 100);
  const told = Object.fromEntries(server.params);
  assert.deepEqual([told.kind, told.name, told.bytes, told.fingerprint], ["firmware", "läuft & mehr.swu", String(TURN + 100), "7"]);
  assert.match(told.sha256, /^[0-9a-f]{64}$/);
  assert.equal(shares.at(-1)[0], 1);
  assert.ok(shares.every(([share], place) => place === 0 || share >= shares[place - 1][0]));
});

test("what has arrived before is not sent again", async () => {
  const server = new Server([], 60);
  await send(server, 100);
  assert.equal(server.offset, 100);
  assert.equal(server.content.length, 3);
});

test("a line that breaks costs what was on it, and waits longer each time nothing was gained", async () => {
  const server = new Server([51, 1, 1, 21]);
  const { shares } = await send(server, 200);
  assert.equal(server.offset, 200);
  assert.deepEqual(server.waits, [1_000, 1_000, 2_000, 4_000]);
  assert.ok(shares.some(([, isDown]) => isDown));
});

test("a line that stays down is given up, and says that what has arrived is kept", async () => {
  const server = new Server([51, 1, 1, 1, 1, 1, 1, 1]);
  await assert.rejects(send(server, 200), (error) => error.kept === true);
  assert.equal(server.offset, 50);
});

test("what the server refuses is not tried again", async () => {
  const server = new Server();
  server.refusal = { status: 422, message: "gateway.swu is no image." };
  await assert.rejects(send(server, 200), (error) => error.message === "gateway.swu is no image." && !error.kept);
  assert.deepEqual(server.waits, []);
});

test("an answer that was lost on the last bytes is found again", async () => {
  const server = new Server([201]);
  server.size = 200;
  const { upload } = await send(server, 200);
  assert.equal(upload.sha256, "x");
});

test("files on their way are listed by what they are for, and can be given up", async () => {
  const listed = async () => answer(200, [{ id: "a", kind: "firmware" }, { id: "b", kind: "history" }]);
  assert.deepEqual((await unfinished("firmware", { fetch: listed })).map((one) => one.id), ["a"]);
  assert.deepEqual(await unfinished("firmware", { fetch: async () => { throw new Error("down"); } }), []);
  const asked = [];
  await discard("a", { fetch: async (address, { method }) => { asked.push([method, address]); return answer(200, {}); } });
  assert.deepEqual(asked, [["DELETE", "/api/uploads/unfinished/a"]]);
});
