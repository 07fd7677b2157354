/* The alarms that stand, through one subscription for all widgets of the page, and what a person does to them. */
import { Store } from "./store.js";

/* Letters of ISA-18.2 as the shapes say them. */
export const SHAPE_OF_STATE = { B: "unacked", C: "acked", D: "returned", E: "returned", F: "returned" };
const ORDER_OF_STATE = { B: 0, D: 1, E: 1, C: 2, F: 2 };
const OWED = new Set(["B", "D", "E"]);
const SILENT = new Set(["G", "H", "I"]);

export const isSilent = (alarm) => SILENT.has(alarm.state);
export const isLatched = (alarm) => alarm.state === "E" || alarm.state === "F";

export const needsAcknowledging = (alarm) => OWED.has(alarm.state);

/** Most urgent first: not acknowledged before returned before acknowledged, then priority, then the newest. */
export function byUrgency(a, b) {
  return ORDER_OF_STATE[a.state] - ORDER_OF_STATE[b.state] || a.priority - b.priority || b.raised_at - a.raised_at;
}

const CALM_MAX = 500; // Of more alarms, changes are drawn together: each costs a sorting of all of them.
const FLOOD_EVERY_MS = 250;

export class AlarmBoard {
  constructor(getLink) {
    this.getLink = getLink;
    this.store = new Store({ alarms: new Map(), loaded: false, error: null });
    this.watchers = 0;
    this.close = null;
    this.unseen = null; // What stands, where that is not drawn yet.
    this.timer = null;
  }

  watch() {
    this.watchers += 1;
    if (this.watchers === 1) this.open();
    return () => {
      this.watchers -= 1;
      // Pages change by unmounting all widgets and mounting others: the stream outlives the gap between.
      setTimeout(() => this.watchers === 0 && this.hangUp(), 1_000);
    };
  }

  open() {
    if (this.close) return;
    const link = this.getLink();
    this.close = link.subscribe("alarms.watch", {}, {
      onData: (message) => this.take(message),
      onError: (error) => this.store.patch({ error }),
      poll: async () => ({ kind: "snapshot", alarms: await link.query("alarms.active", {}), gone: [] }),
    });
  }

  hangUp() {
    this.close?.();
    this.close = null;
  }

  again() {
    this.hangUp();
    this.store.patch({ error: null });
    this.open();
  }

  take({ kind, alarms, gone = [], now }) {
    if (now) this.getLink().timed(now, null);
    const before = this.store.get();
    if (kind !== "snapshot" && !alarms.length && !gone.length) {
      if (before.error) this.store.patch({ error: null });
      return;
    }
    const next = kind === "snapshot" ? new Map() : (this.unseen ?? new Map(before.alarms));
    for (const alarm of alarms) {
      if (alarm.state === "A" || isSilent(alarm)) next.delete(alarm.id);
      else next.set(alarm.id, alarm);
    }
    for (const id of gone) next.delete(id);
    this.unseen = next;
    if (kind === "snapshot" || next.size <= CALM_MAX) this.show();
    else this.timer ??= setTimeout(() => this.show(), FLOOD_EVERY_MS);
  }

  /** Have drawn what is known by now. */
  show() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.unseen) this.store.set({ alarms: this.unseen, loaded: true, error: null });
    this.unseen = null;
  }

  /** Take an answer to what somebody did: it is seen at once, also in a flood. */
  answered(alarm) {
    this.take({ kind: "change", alarms: [alarm] });
    this.show();
  }

  /** Acknowledge; the answer of the server is shown at once, its error is thrown. */
  async acknowledge(alarm, comment = "") {
    this.answered(await this.getLink().mutate("alarms.acknowledge", { alarm_id: alarm.id, comment }));
  }

  /** Let a latched alarm go. */
  async reset(alarm) {
    this.answered(await this.getLink().mutate("alarms.reset", { alarm_id: alarm.id }));
  }

  /** Keep an alarm silent for some seconds, with a reason. */
  async shelve(alarm, for_s, reason, one_shot = false) {
    this.answered(await this.getLink().mutate("alarms.shelve", { rule_id: alarm.rule_id, for_s, reason, one_shot }));
  }

  async comment(alarm, comment) {
    const answer = await this.getLink().mutate("alarms.comment", { alarm_id: alarm.id, comment });
    if (answer?.id === alarm.id) this.answered(answer);
  }
}
