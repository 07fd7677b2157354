import assert from "node:assert/strict";
import { test } from "node:test";
import { NoticeBoard } from "../../../pdm_app/ui/browser/notice_board.js";

const NOW = 1_800_000_000e6;
const notice = (id, priority = 2, more = {}) => ({ id, priority, at: NOW - 1e6, is_shown: false, is_read: false, ...more });
const picture = (...newest) => ({ unread: newest.filter((each) => !each.is_read).length, newest, sounds_to: 2 });

function storage() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
}

function bench({ visible = true, shared = storage(), refuses = 0 } = {}) {
  const heard = { played: [], calls: [], visible };
  const link = {
    clock: { now: () => NOW },
    mutate: async (path, input) => {
      heard.calls.push([path, input]);
      if (refuses-- > 0) throw new Error("away");
    },
  };
  const board = new NoticeBoard({
    getLink: () => link, storage: shared, sound: { play: (priority) => heard.played.push(priority) }, page: { isVisible: () => heard.visible },
  });
  return { board, heard };
}
const popped = (board) => board.store.get().popped.map(({ id }) => id);

test("what is urgent pops up, sounds once, and is told to be shown; the rest is counted", () => {
  const { board, heard } = bench();
  board.take(picture(notice("c", 1), notice("b", 2), notice("a", 3)));
  assert.deepEqual(popped(board), ["c", "b"]);
  assert.deepEqual(heard.played, [1]);
  assert.deepEqual(heard.calls, [["page_notices.shown", { message_ids: ["c", "b"] }]]);
  assert.equal(board.store.get().unread, 3);
  board.take(picture(notice("c", 1, { is_shown: true }), notice("b", 2, { is_shown: true }), notice("a", 3)));
  assert.deepEqual(heard.played, [1], "the receipt makes no noise");
  assert.equal(heard.calls.length, 1);
});

test("a page that nobody looks at sounds, and shows when it is looked at", () => {
  const { board, heard } = bench({ visible: false });
  board.take(picture(notice("a")));
  assert.deepEqual([heard.played, heard.calls], [[2], []]);
  heard.visible = true;
  board.seen();
  assert.deepEqual(heard.calls, [["page_notices.shown", { message_ids: ["a"] }]]);
});

test("two tabs sound once, and a muted screen does not at all", () => {
  const shared = storage();
  const [one, other] = [bench({ shared }), bench({ shared })];
  one.board.take(picture(notice("a")));
  other.board.take(picture(notice("a")));
  assert.deepEqual([...one.heard.played, ...other.heard.played], [2]);
  one.board.mute(true);
  one.board.take(picture(notice("b", 1)));
  assert.deepEqual(one.heard.played, [2]);
  assert.deepEqual(popped(one.board), ["b", "a"]);
  assert.equal(bench({ shared }).board.store.get().isMuted, true);
});

test("what is old, was shown elsewhere, or is below what the person wants to hear does neither", () => {
  const { board, heard } = bench();
  board.take(picture(notice("d", 1, { at: NOW - 3600e6 }), notice("c", 1, { is_shown: true }), notice("b", 3)));
  assert.deepEqual([popped(board), heard.played, heard.calls], [[], [], []]);
  board.take({ ...picture(notice("e", 1)), sounds_to: 0 });
  assert.deepEqual([popped(board), heard.played], [["e"], []]);
});

test("what another page has read goes away here, and what was put away stays away", () => {
  const { board } = bench();
  board.take(picture(notice("b"), notice("a")));
  board.putAway("b");
  board.take(picture(notice("b", 2, { is_shown: true }), notice("a", 2, { is_shown: true, is_read: true })));
  assert.deepEqual(popped(board), []);
});

test("a receipt that did not arrive is told again", async () => {
  const { board, heard } = bench({ refuses: 1 });
  board.take(picture(notice("a")));
  await new Promise(setImmediate);
  board.seen();
  assert.equal(heard.calls.length, 2);
});
