import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "../../../pdm_app/ui/browser/session.js";

/** A browser's storage, shared by all tabs of a test. */
class Storage {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => void this.items.set(key, value);
}

/** A server whose refresh tokens work once; it counts how often it is asked, and notices two at a time. */
class Server {
  asked = 0;
  atOnce = 0;
  atOnceMost = 0;
  status = 204;
  fetch = async () => {
    this.asked += 1;
    this.atOnce += 1;
    this.atOnceMost = Math.max(this.atOnceMost, this.atOnce);
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.atOnce -= 1;
    return { status: this.status, ok: this.status < 300 };
  };
}

const tab = (server, storage, more = {}) => new Session({ origin: "http://plant", fetch: server.fetch, storage, locks: null, ...more });

test("two calls in one tab that are refused at once share one refresh", async () => {
  const server = new Server();
  const session = tab(server, new Storage());
  assert.deepEqual(await Promise.all([session.refresh(), session.refresh()]), [true, true]);
  assert.equal(server.asked, 1);
});

test("two tabs without web locks refresh one after the other, and the second takes over what the first got", async () => {
  const server = new Server();
  const storage = new Storage();
  assert.deepEqual(await Promise.all([tab(server, storage).refresh(), tab(server, storage).refresh()]), [true, true]);
  assert.equal(server.asked, 1);
  assert.equal(server.atOnceMost, 1);
});

test("two tabs with web locks refresh once", async () => {
  const server = new Server();
  const storage = new Storage();
  let last = Promise.resolve();
  const locks = { request: (_, task) => (last = last.then(task, task)) };
  await Promise.all([tab(server, storage, { locks }).refresh(), tab(server, storage, { locks }).refresh()]);
  assert.equal(server.asked, 1);
});

test("a session that has ended says so", async () => {
  const server = new Server();
  server.status = 401;
  assert.equal(await tab(server, new Storage()).refresh(), false);
});

test("a server that fails is not taken for the end of the session", async () => {
  const server = new Server();
  server.status = 503;
  await assert.rejects(tab(server, new Storage()).refresh(), /503/);
});

test("the first page load starts the ten minutes, and only their end refreshes", async () => {
  const server = new Server();
  let now = 1_000_000;
  const session = tab(server, new Storage(), { now: () => now });
  await session.refreshIfDue();
  now += 9 * 60_000;
  await session.refreshIfDue();
  assert.equal(server.asked, 0);
  now += 60_000;
  await session.refreshIfDue();
  assert.equal(server.asked, 1);
});

test("storage that is forbidden does not keep a kiosk from refreshing", async () => {
  const forbidden = { getItem: () => { throw new Error("denied"); }, setItem: () => { throw new Error("denied"); } };
  assert.equal(await tab(new Server(), forbidden).refresh(), true);
});
