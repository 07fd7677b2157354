/* One call with the session of this page, and what it took: status, time and size. No screen here. */

export const SHOWN_MAX = 200_000; // Characters of an answer on screen; a browser draws more only with a stutter.

/**
 * Call a query or mutation once over the page's link; {ok, status, took_ms, bytes, answer, text}. A token that has run out is renewed and the
 * call made again: the server refused it, so it did nothing. Throws when the server is not reached.
 */
export async function call(procedure, input, line, { signal, fetch = (...asked) => globalThis.fetch(...asked) } = {}) {
  const first = await send(procedure, input, { signal, fetch, url: line.url });
  if (first.status !== 401 || !(await line.renewed())) return first;
  return send(procedure, input, { signal, fetch, url: line.url });
}

async function send(procedure, input, { signal, fetch, url }) {
  const address = `${url}/${procedure.path}`;
  const isMutation = procedure.type === "mutation";
  const query = isMutation || input === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify(input))}`;
  const began = performance.now();
  const response = await fetch(address + query, {
    method: isMutation ? "POST" : "GET",
    credentials: "same-origin",
    headers: isMutation ? { "content-type": "application/json" } : {},
    body: isMutation && input !== undefined ? JSON.stringify(input) : undefined,
    signal,
  });
  const body = await response.text();
  const took_ms = performance.now() - began;
  const parsed = parse(body);
  const answer = response.ok ? parsed?.result?.data : (parsed?.error ?? parsed);
  return {
    ok: response.ok,
    status: response.status,
    took_ms,
    bytes: new TextEncoder().encode(body).length,
    answer,
    text: parsed === undefined ? body : JSON.stringify(answer ?? null, null, 2),
  };
}

function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // Not of this server: a proxy between says something of its own.
  }
}

/** What the server found wrong with which field: {path: text}. */
export function issuesOf(outcome) {
  const issues = outcome?.ok === false ? (outcome.answer?.data?.issues ?? []) : [];
  return Object.fromEntries(issues.map((issue) => [issue.loc.join("."), issue.msg]));
}
