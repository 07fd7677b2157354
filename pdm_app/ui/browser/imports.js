/* What the page of imports sends: a file on its way up, and the plan that somebody has made of a preview. */
import { parsed, refusal } from "./uploads.js";

/** Send a table; `onShare` hears how much of it has gone, 0 to 1. Resolves to the upload, rejects with what the server says. */
export function sendFile(file, onShare, { Request = globalThis.XMLHttpRequest } = {}) {
  return new Promise((resolve, reject) => {
    const request = new Request();
    request.open("POST", `/api/uploads?kind=history&name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => onShare(total ? loaded / total : 0);
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (request.status === 201) resolve(answer);
      else reject(refusal(answer?.error?.message));
    };
    request.onerror = () => reject(refusal());
    request.send(file);
  });
}

/** By column: the signal and unit that the preview proposes; a signal of null is left out. */
export function choicesOf(preview) {
  return Object.fromEntries(preview.proposals.map((one) => [one.column, { signal_id: one.signal_id, unit: one.unit }]));
}

/** What the RPC is asked for; null while nothing is chosen, or two columns go to the same signal. */
export function planOf(upload_id, form, choices) {
  const columns = Object.entries(choices)
    .filter(([, choice]) => choice.signal_id !== null)
    .map(([column, { signal_id, unit }]) => ({ column, signal_id, unit: unit || null }));
  if (!columns.length || twiceIn(choices) !== null) return null;
  return { upload_id, form, columns };
}

/** A signal that two columns go to; null where there is none. */
export function twiceIn(choices) {
  const seen = new Set();
  for (const { signal_id } of Object.values(choices)) {
    if (signal_id === null) continue;
    if (seen.has(signal_id)) return signal_id;
    seen.add(signal_id);
  }
  return null;
}

/** A form with something changed; what was found out by it is found out anew. */
export function changedForm(form, changes) {
  const anew = "time_column" in changes || "clock_column" in changes ? { time_format: "auto", ...changes } : changes;
  return { ...form, ...anew };
}

export const isUnderWay = (one) => ["checking", "running", "undoing"].includes(one.state);
export const shareOf = (one) => (one.rows_about ? Math.min(100, Math.round((100 * one.rows) / one.rows_about)) : 0);

const SHOWN_MAX = 6;
const MARGIN_US = 60e6;

/** Where the trend shows what was imported. */
export function trendOf(one) {
  const params = new URLSearchParams();
  for (const signal of one.signals.slice(0, SHOWN_MAX)) params.append("s", String(signal.signal_id));
  params.set("from", new Date((one.start_at - MARGIN_US) / 1000).toISOString());
  params.set("to", new Date((one.end_at + MARGIN_US) / 1000).toISOString());
  return `/trends?${params}`;
}
