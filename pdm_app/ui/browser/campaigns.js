/* What the pages of campaigns make of records: the bar of states, the phases, what may be done, and the form of a new one. */

/** Every state of a device's way, in the order of the bar: what is proven first, what needs a look last. */
export const TONES = {
  succeeded: "done", verifying: "late", installed: "middle", installing: "middle", waiting_window: "early", downloaded: "early",
  downloading: "begun", retrieved: "begun", pending: "begun", waiting_confirmation: "waits", scheduled: "waits", retry_wait: "again",
  canceling: "again", rolled_back: "back", failed: "bad", lost: "bad", expired: "bad", canceled: "out", skipped: "out", superseded: "out",
};
const STATES = Object.keys(TONES);
const FAILED = ["failed", "rolled_back", "lost", "expired"];
const OUT = ["canceled", "skipped", "superseded"];
const OVER = ["finished", "aborted"];
const ATTENTION = [...FAILED, "retry_wait", "canceling"];

export const isOver = (campaign) => OVER.includes(campaign.state);

/** [{state, count}] of the states that devices are in, in the order of the bar. */
export const barOf = (counts) => STATES.filter((state) => counts[state] > 0).map((state) => ({ state, count: counts[state] }));

/** Of each device the action that counts: the newest. */
export function latest(actions) {
  const newest = new Map();
  for (const action of actions) {
    if (!(newest.get(action.device_id)?.number > action.number)) newest.set(action.device_id, action);
  }
  return [...newest.values()];
}

/** {devices, succeeded, failed, under}; who is left out on purpose is not counted. */
export function tally(actions) {
  const counted = actions.filter((action) => !OUT.includes(action.state));
  const succeeded = counted.filter((action) => action.state === "succeeded").length;
  const failed = counted.filter((action) => FAILED.includes(action.state)).length;
  return { devices: counted.length, succeeded, failed, under: counted.length - succeeded - failed };
}

/** What an end would meet: devices that have not begun, that load, and that install or prove themselves. */
export function underWay(actions) {
  const count = (...states) => actions.filter((action) => states.includes(action.state)).length;
  return {
    waiting: count("scheduled", "waiting_confirmation", "pending", "retry_wait"),
    loading: count("retrieved", "downloading", "downloaded", "waiting_window"),
    installing: count("installing", "installed", "verifying"),
  };
}

/** Failed for good, in percent of all devices; the number that is held against the error threshold. */
export const errorPercent = ({ failed, devices }) => (devices ? (failed * 100) / devices : 0);

/** The phases with their devices: [{phase, actions, tally, standing}]; standing is "over", "open" or "later". */
export function phasesOf(campaign, actions) {
  const now = latest(actions).filter((action) => !OUT.includes(action.state));
  const begun = campaign.started_at !== null;
  return campaign.phases.map((phase, number) => {
    const ours = now.filter((action) => action.phase === number);
    const isPast = number < campaign.phase || campaign.state === "finished";
    const standing = !begun || number > campaign.phase ? "later" : isPast ? "over" : "open";
    return { phase, actions: ours, tally: tally(ours), standing };
  });
}

/** Devices for the table: those that need a look first, then by code. `show` is "attention", a state, or "all". */
export function rowsOf(actions, codes, show = "all") {
  const rank = (action) => (ATTENTION.includes(action.state) ? 0 : OUT.includes(action.state) ? 2 : 1);
  return latest(actions)
    .filter((action) => show === "all" || (show === "attention" ? ATTENTION.includes(action.state) : action.state === show))
    .sort((one, other) => rank(one) - rank(other) || (codes[one.device_id] ?? "").localeCompare(codes[other.device_id] ?? "", "en", { numeric: true }));
}

const STEPS = {
  approve: ["draft"], start: ["approved"], pause: ["running"], resume: ["paused"], retry: ["running", "paused", "finished"],
  roll_back: ["running", "paused", "finished", "aborted"], abort: ["draft", "approved", "running", "paused"],
};

/** Names of what may be done with a campaign now, by who has `rights` and is called `username`. */
export function stepsOf(campaign, actions, rights, username) {
  const may = (step) => rights.includes(step === "approve" ? "firmware.approve" : "firmware.publish");
  return Object.keys(STEPS).filter((step) => {
    if (!STEPS[step].includes(campaign.state) || !may(step)) return false;
    if (step === "approve") return !waitsForAnother(campaign, username);
    if (step === "retry") return tally(latest(actions)).failed > 0;
    if (step === "roll_back") return campaign.started_at !== null && campaign.kind === "forward";
    return true;
  });
}

/** Whether a draft waits for somebody else than who looks at it. */
export const waitsForAnother = (campaign, username) => campaign.state === "draft" && campaign.second_person && campaign.created_by === username;

// --- the form of a new one --------------------------------------------------------------------------------------------

/** A new campaign as it is offered: five devices first, then a quarter, then the rest. */
export function newForm(names) {
  const common = { success: "95", error: "5", sample: "5", on_success: "next", on_error: "pause" };
  return {
    name: "", release_id: "", group_id: "", mode: "forced", forced_at: "", windows: [], only_when_idle: false, ask_users: false, soak_min: "10",
    concurrent: "50", pace: "", takes_new_members: false, second_person: true, note: "",
    phases: [
      { ...common, name: names.canary, unit: "devices", size: "5" },
      { ...common, name: names.quarter, unit: "percent", size: "25" },
      { ...common, name: names.rest, unit: "percent", size: "" },
    ],
  };
}

/** A phase more, before the last one, which has the rest. */
export function withPhase(phases, name) {
  const rest = phases.at(-1);
  return [...phases.slice(0, -1), { ...rest, name, unit: "percent", size: "10" }, rest];
}

export const without = (list, index) => list.filter((_, other) => other !== index);
export const withChange = (list, index, change) => list.map((one, other) => (other === index ? { ...one, ...change } : one));

/** What the RPC is asked for, of what stands in the form. */
export function factsOf(form, siteId) {
  return {
    site_id: siteId,
    name: form.name.trim(),
    release_id: form.release_id,
    group_id: form.group_id,
    phases: form.phases.map((phase, index) => ({
      name: phase.name.trim(),
      percent: index < form.phases.length - 1 && phase.unit === "percent" ? Number(phase.size) : null,
      devices: index < form.phases.length - 1 && phase.unit === "devices" ? Number(phase.size) : null,
      success_percent: Number(phase.success),
      error_percent: Number(phase.error),
      sample_min: Number(phase.sample),
      on_success: phase.on_success,
      on_error: phase.on_error,
    })),
    mode: form.mode,
    forced_at: form.mode === "time_forced" && form.forced_at ? new Date(form.forced_at).getTime() * 1000 : null,
    windows: form.windows.map((window) => ({ weekdays: [...window.weekdays].sort(), begin: window.begin, minutes: Math.round(Number(window.hours) * 60) })),
    only_when_idle: form.only_when_idle,
    ask_users: form.ask_users,
    concurrent_max: Number(form.concurrent),
    bytes_per_s_max: form.pace === "" ? null : Math.round(Number(form.pace) * 1000),
    soak_s: Math.round(Number(form.soak_min) * 60),
    takes_new_members: form.takes_new_members,
    second_person: form.second_person,
    note: form.note.trim(),
  };
}

/** Devices that are left out of a plan, by the reason: [{why, codes}], the most frequent first. */
export function skippedBy(devices) {
  const found = new Map();
  for (const { code, why_not: why } of devices) {
    if (why) found.set(why, [...(found.get(why) ?? []), code]);
  }
  return [...found].map(([why, codes]) => ({ why, codes })).sort((one, other) => other.codes.length - one.codes.length);
}
