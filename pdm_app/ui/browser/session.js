/* Keeps the session's access cookie fresh, in one tab at a time: a refresh token works only once. */

const EVERY_MS = 10 * 60_000; // The access token lives 15 minutes.
const AGE_MIN_MS = 5_000; // A token this young cannot be what a refusal was about.
const REFRESHED_AT = "pdm.refreshed_at";
const LEASE = "pdm.refresh_lease";
const LEASE_MS = 10_000;

export class Session {
  constructor({ origin, fetch, storage, locks, now = Date.now }) {
    Object.assign(this, { origin, fetch, storage, locks, now });
    this.running = null;
    this.timer = null;
  }

  start() {
    this.timer ??= setInterval(() => this.refreshIfDue(), 60_000);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }

  /** Refresh when the last one, by any tab, is ten minutes old. The first page load counts from now. */
  async refreshIfDue() {
    const last = this.refreshedAt();
    if (last === 0) this.remember();
    else if (this.now() - last >= EVERY_MS) await this.refresh();
  }

  /** Ask for a new access cookie. True if the session stands, false if it has ended; throws if the server is away. */
  refresh() {
    this.running ??= this.exclusively(() => this.ask()).finally(() => {
      this.running = null;
    });
    return this.running;
  }

  async ask() {
    if (this.now() - this.refreshedAt() < AGE_MIN_MS) return true; // Another tab has just done it.
    const answer = await this.fetch(`${this.origin}/api/auth/refresh`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(LEASE_MS),
    });
    if (answer.status === 401 || answer.status === 403) return false;
    if (!answer.ok) throw new Error(`The server answered ${answer.status} to a session refresh.`);
    this.remember();
    return true;
  }

  /* Web Locks exist only in secure contexts; a plant's plain http:// needs the lease in storage instead. */
  async exclusively(task) {
    if (this.locks) return this.locks.request(LEASE, task);
    const deadline = this.now() + LEASE_MS;
    while (Number(this.read(LEASE)) > this.now() && this.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
    }
    this.write(LEASE, String(this.now() + LEASE_MS));
    try {
      return await task();
    } finally {
      this.write(LEASE, "0");
    }
  }

  refreshedAt() {
    return Number(this.read(REFRESHED_AT)) || 0;
  }

  remember() {
    this.write(REFRESHED_AT, String(this.now()));
  }

  read(key) {
    try {
      return this.storage?.getItem(key);
    } catch {
      return null;
    }
  }

  write(key, value) {
    try {
      this.storage?.setItem(key, value);
    } catch {
      // Storage may be full or forbidden; the tab then keeps its own time.
    }
  }
}
