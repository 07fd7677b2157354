/* Large files on their way up in turns: a line that breaks, or a page that is loaded anew, costs what was on the line. */

const PLACE = "/api/uploads/unfinished";
const TURN_BYTES = 16 * 1024 * 1024; // Each turn asks anew who sends; none may outlive a session by much.
const TRIES_MAX = 6; // In a row, with nothing gained between them.
const WAIT_MS = 1_000; // Doubles with each try.
const HASHED_BYTES_MAX = 256 * 1024 * 1024; // The browser hashes only what it holds in memory as a whole.

/**
 * Send a file; `onShare` hears how much of it has arrived, 0 to 1, and whether the line is down.
 * Resolves to the upload; rejects with what the server says, or with `kept` where sending the same file goes on with it.
 */
export async function sendInTurns(file, onShare, { kind, Request = globalThis.XMLHttpRequest, fetch = ask, wait = pause } = {}) {
  const params = new URLSearchParams({ kind, name: file.name, bytes: file.size, fingerprint: String(file.lastModified ?? ""), sha256: await hashOf(file) });
  const begun = await answerOf(await fetch(`${PLACE}?${params}`, { method: "POST" }).catch(() => null));
  const place = `${PLACE}/${begun.id}`;
  let offset = begun.offset;
  let tries = 0;
  for (;;) {
    onShare(offset / file.size, false);
    const from = offset;
    const turn = await sendTurn(file, place, offset, onShare, Request);
    if (turn.status === 200) return turn.answer;
    if (turn.status === 204) offset = turn.offset;
    else if (turn.status === 409 && turn.offset !== null) offset = turn.offset;
    else if (isFinal(turn.status)) throw refusal(turn.answer?.error?.message);
    else {
      onShare(offset / file.size, true);
      await wait(WAIT_MS * 2 ** tries);
      const found = await fetch(place, {}).catch(() => null);
      if (found?.status === 200) return found.json();
      if (found?.status === 404) throw refusal((await readAnswer(found))?.error?.message);
      if (found?.status === 202) offset = Number(found.headers.get("upload-offset"));
    }
    tries = offset > from ? 0 : tries + 1;
    if (tries >= TRIES_MAX) throw Object.assign(new Error(turn.answer?.error?.message ?? ""), { kept: true });
  }
}

/** Files of a kind that have not arrived whole. */
export async function unfinished(kind, { fetch = ask } = {}) {
  const answer = await fetch(PLACE, {}).catch(() => null);
  if (!answer?.ok) return [];
  return (await answer.json()).filter((one) => one.kind === kind);
}

/** Give a file up. */
export async function discard(id, { fetch = ask } = {}) {
  await answerOf(await fetch(`${PLACE}/${id}`, { method: "DELETE" }).catch(() => null));
}

function sendTurn(file, place, offset, onShare, Request) {
  return new Promise((resolve) => {
    const request = new Request();
    request.open("PATCH", place);
    request.setRequestHeader("content-type", "application/offset+octet-stream");
    request.setRequestHeader("upload-offset", String(offset));
    request.upload.onprogress = ({ loaded }) => onShare(Math.min(1, (offset + loaded) / file.size), false);
    request.onload = () => {
      const told = request.getResponseHeader("upload-offset");
      resolve({ status: request.status, offset: told === null ? null : Number(told), answer: parsed(request.responseText) });
    };
    request.onerror = () => resolve({ status: 0, offset: null, answer: null });
    request.send(file.slice(offset, offset + TURN_BYTES));
  });
}

/* What says no once says so again; a line, a session or a server that is away for a while does not. */
const isFinal = (status) => status >= 400 && status < 500 && ![401, 408, 409, 429].includes(status);

async function hashOf(file) {
  if (!globalThis.crypto?.subtle || file.size > HASHED_BYTES_MAX) return ""; // A plant's plain http:// has no subtle.
  const hashed = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return [...hashed].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function answerOf(answer) {
  const content = answer && (await readAnswer(answer));
  if (!answer?.ok) throw refusal(content?.error?.message);
  return content;
}

const readAnswer = async (answer) => parsed(await answer.text());

/** What a server says, if it is JSON. */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** As the link's errors: with a code where the server has said something. */
export function refusal(message) {
  return Object.assign(new Error(message ?? ""), message ? { data: { code: "BAD_REQUEST" } } : {});
}

const ask = (...given) => globalThis.fetch(...given);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
