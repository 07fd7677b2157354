/* The server's clock as seen from here: how far this machine's clock is off, measured like NTP does. */

const SYNC_EVERY_MS = 120_000;
const ROUNDS = 3; // The quickest of three has the least unknown in it.
const DRIFT_MAX_US = 1_000_000; // A message from further off means that one of the clocks was set.

export class ServerClock {
  constructor(ask, now = Date.now) {
    this.ask = ask;
    this.localMs = now;
    this.offset_us = null; // server − local; a message's own stamp stands in until the first measurement
    this.measured = false;
    this.timer = null;
    this.syncing = null;
  }

  start() {
    if (this.timer) return;
    this.timer = setInterval(() => this.sync(), SYNC_EVERY_MS);
    this.sync();
  }

  /** Server time in microseconds UTC. */
  now() {
    return Math.round(this.localMs() * 1000 + (this.offset_us ?? 0));
  }

  /** Take note of a server time that has just arrived. */
  witness(server_us) {
    const offset_us = server_us - this.localMs() * 1000;
    if (!this.measured) this.offset_us = offset_us;
    else if (Math.abs(offset_us - this.offset_us) > DRIFT_MAX_US) this.sync();
  }

  sync() {
    this.syncing ??= this.measure().finally(() => {
      this.syncing = null;
    });
    return this.syncing;
  }

  async measure() {
    let best = null;
    for (let round = 0; round < ROUNDS; round += 1) {
      const sent_ms = this.localMs();
      let answer;
      try {
        answer = await this.ask();
      } catch {
        return; // The messages' own stamps serve meanwhile.
      }
      const back_ms = this.localMs();
      const server_us = typeof answer === "number" ? answer : answer.now;
      const trip_ms = back_ms - sent_ms;
      if (!best || trip_ms < best.trip_ms) best = { trip_ms, offset_us: server_us - (sent_ms + trip_ms / 2) * 1000 };
    }
    this.offset_us = best.offset_us;
    this.measured = true;
  }
}
