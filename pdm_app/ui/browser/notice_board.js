/* The messages that lie in a person's pages: what is new, what pops up, what sounds; and what the server is told of it. */
import { Store } from "./store.js";

const FRESH_US = 600e6; // What is older has been overtaken; it is counted and pops up no more.
const POPS_TO = 2;
const POPPED_MAX = 3; // More would cover the page; the bell counts the rest.
const RUNG = "pdm.notice_rung";
const MUTED = "pdm.notices_muted";

export class NoticeBoard {
  /** `sound` has play(priority); `page` has isVisible(); `storage` is shared by the tabs of a browser. */
  constructor({ getLink, sound, page, storage }) {
    Object.assign(this, { getLink, sound, page, storage });
    this.store = new Store({ unread: 0, newest: [], popped: [], loaded: false, error: null, isMuted: this.read(MUTED) === "1" });
    this.known = new Set(); // Ids that this page has looked at.
    this.told = new Set(); // Ids that the server knows to be shown.
    this.watchers = 0;
    this.close = null;
  }

  watch() {
    this.watchers += 1;
    if (this.watchers === 1 && !this.close) {
      const link = this.getLink();
      this.close = link.subscribe("page_notices.watch", undefined, {
        onData: (picture) => this.take(picture),
        onError: (error) => this.store.patch({ error }),
        poll: () => link.query("page_notices.newest"),
      });
    }
    return () => {
      this.watchers -= 1;
      // Pages change by unmounting all widgets and mounting others: the stream outlives the gap between.
      setTimeout(() => {
        if (this.watchers > 0) return;
        this.close?.();
        this.close = null;
      }, 1_000);
    };
  }

  /** Take what the server says; pop up and sound what is new, fresh, and not shown by any page yet. */
  take({ unread, newest, sounds_to: soundsTo }) {
    const now = this.getLink().clock.now();
    const fresh = newest.filter((notice) => !this.known.has(notice.id) && !notice.is_shown && !notice.is_read && now - notice.at < FRESH_US);
    for (const { id } of newest) this.known.add(id);
    const read = new Set(newest.filter((notice) => notice.is_read).map(({ id }) => id));
    const popped = [...fresh.filter((notice) => notice.priority <= POPS_TO), ...this.store.get().popped.filter(({ id }) => !read.has(id))];
    this.store.patch({ unread, newest, popped: popped.slice(0, POPPED_MAX), loaded: true, error: null });
    this.ring(fresh.filter((notice) => notice.priority <= soundsTo));
    this.seen();
  }

  /** One sound for all that came together, and in one of the tabs alone. */
  ring(fresh) {
    if (fresh.length === 0) return;
    const newest = fresh.map(({ id }) => id).sort().at(-1); // Ids sort by age.
    if ((this.read(RUNG) ?? "") >= newest) return;
    this.write(RUNG, newest);
    if (!this.store.get().isMuted) this.sound.play(Math.min(...fresh.map(({ priority }) => priority)));
  }

  /** Tell the server what a person can see here now: what has popped up on a page that is looked at. */
  seen() {
    if (this.page.isVisible()) this.shown(this.store.get().popped);
  }

  /** Tell the server that messages were shown; what it does not hear of, it is told again with the next. */
  async shown(notices) {
    const ids = notices.filter((notice) => !notice.is_shown && !this.told.has(notice.id)).map(({ id }) => id);
    if (ids.length === 0) return;
    for (const id of ids) this.told.add(id);
    try {
      await this.getLink().mutate("page_notices.shown", { message_ids: ids });
    } catch {
      for (const id of ids) this.told.delete(id);
    }
  }

  putAway(id) {
    this.store.patch({ popped: this.store.get().popped.filter((notice) => notice.id !== id) });
  }

  /** Everything that stands in the list was read. */
  async readAll() {
    const { newest } = this.store.get();
    if (newest.length === 0) return;
    await this.getLink().mutate("page_notices.read", { until: newest[0].id });
    this.store.patch({ unread: 0, popped: [], newest: newest.map((notice) => ({ ...notice, is_read: true })) });
  }

  /** Be silent on this screen, or not any more; what the person wants of all screens is kept with their account. */
  mute(isMuted) {
    this.write(MUTED, isMuted ? "1" : "0");
    this.store.patch({ isMuted });
  }

  read(key) {
    try {
      return this.storage?.getItem(key) ?? null;
    } catch {
      return null; // Storage may be forbidden in a kiosk; each tab then sounds by itself.
    }
  }

  write(key, value) {
    try {
      this.storage?.setItem(key, value);
    } catch {
      // As above.
    }
  }
}
