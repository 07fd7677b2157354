/* The same call as it is written in TypeScript, Python and for curl. No screen here. */

const RESERVED = /^(break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|function|if|import|in|instanceof|new|null|return|super|switch|this|throw|true|try|typeof|var|void|while|with)$/;
const METHODS = { query: "query", mutation: "mutate", subscription: "subscribe" };
const TOKEN = "$PDM_TOKEN";

/** {typescript, python, curl} of one call with the given input; `undefined` is no input. */
export function snippets(procedure, input, origin, restPrefix) {
  return {
    typescript: typescript(procedure, input, origin),
    python: python(procedure, input, origin),
    curl: curl(procedure, input, origin, restPrefix),
  };
}

/* What is written as JSON may be anything; only a record has fields. */
const isRecord = (input) => input !== null && typeof input === "object" && !Array.isArray(input);

// --- TypeScript -------------------------------------------------------------------------------------------------------

function typescript(procedure, input, origin) {
  const call = `client${procedure.path.split(".").map(member).join("")}.${METHODS[procedure.type]}`;
  const given = input === undefined ? "" : script(input);
  if (procedure.type !== "subscription") {
    return [
      'import { createTRPCClient, httpBatchLink } from "@trpc/client";',
      'import type { AppRouter } from "./app-router.js";',
      "",
      "const client = createTRPCClient<AppRouter>({",
      "  links: [",
      "    httpBatchLink({",
      `      url: ${JSON.stringify(`${origin}/trpc`)},`,
      "      headers: { authorization: `Bearer ${process.env.PDM_TOKEN}` },",
      "    }),",
      "  ],",
      "});",
      "",
      `console.log(await ${call}(${given}));`,
    ].join("\n");
  }
  return [
    'import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";',
    'import type { AppRouter } from "./app-router.js";',
    "",
    "const socket = createWSClient({",
    `  url: ${JSON.stringify(`${origin.replace(/^http/, "ws")}/trpc`)},`,
    '  connectionParams: { token: process.env.PDM_TOKEN ?? "" },',
    "});",
    "const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: socket })] });",
    "",
    `const subscription = ${call}(${given || "undefined"}, {`,
    "  onData: (event) => console.log(event),",
    "  onError: (error) => console.error(error),",
    "});",
    "// subscription.unsubscribe(); socket.close();",
  ].join("\n");
}

const member = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

function script(value, indent = "") {
  if (Array.isArray(value)) return wrapped("[", value.map((one) => script(one, `${indent}  `)), "]", indent);
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value).map(([name, held]) => `${identifier(name)}: ${script(held, `${indent}  `)}`);
    return wrapped("{ ", members, " }", indent);
  }
  return JSON.stringify(value);
}

const identifier = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) && !RESERVED.test(name) ? name : JSON.stringify(name));

// --- Python -----------------------------------------------------------------------------------------------------------

function python(procedure, input, origin) {
  const call = `client.${procedure.path}(${pythonArguments(procedure, input)})`;
  const use = procedure.type === "subscription"
    ? [`    with ${call} as events:`, "        for event in events:", "            print(event)"]
    : [`    print(${call})`];
  return [
    "import os",
    "",
    "from pdm_client import Client  # written by: pdm-app rpc python --out pdm_client.py",
    "",
    `with Client(${JSON.stringify(`${origin}/trpc`)}, token=os.environ["PDM_TOKEN"]) as client:`,
    ...use,
  ].join("\n");
}

function pythonArguments(procedure, input) {
  if (input === undefined) return "";
  if (procedure.inputForm !== "fields" || !isRecord(input)) return pythonic(input, "    ");
  return Object.entries(input).map(([name, value]) => `${name}=${pythonic(value, "    ")}`).join(", ");
}

function pythonic(value, indent = "") {
  if (Array.isArray(value)) return wrapped("[", value.map((one) => pythonic(one, `${indent}    `)), "]", indent, "    ");
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value).map(([name, held]) => `${JSON.stringify(name)}: ${pythonic(held, `${indent}    `)}`);
    return wrapped("{", members, "}", indent, "    ");
  }
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value); // JSON's texts and numbers are Python's, too.
}

function wrapped(open, parts, close, indent, step = "  ") {
  const line = `${open}${parts.join(", ")}${close}`;
  if (!parts.length) return `${open.trim()}${close.trim()}`;
  if (line.length + indent.length <= 72 && !line.includes("\n")) return line;
  return `${open.trim()}\n${parts.map((part) => `${indent}${step}${part},\n`).join("")}${indent}${close.trim()}`;
}

// --- curl -------------------------------------------------------------------------------------------------------------

function curl(procedure, input, origin, restPrefix) {
  const parts = procedure.rest ? rest(procedure, input, `${origin}${restPrefix}`) : trpc(procedure, input, `${origin}/trpc`);
  return ["curl", ...parts, `-H "Authorization: Bearer ${TOKEN}"`].join(" \\\n  ").replace("curl \\\n  ", "curl ");
}

function trpc(procedure, input, url) {
  const address = `${url}/${procedure.path}`;
  if (procedure.type === "mutation") {
    return ["-sS", "-X POST", quoted(address), ...(input === undefined ? [] : ['-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(input))}`])];
  }
  const query = input === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify(input))}`;
  return [procedure.type === "subscription" ? "-sSN" : "-sS", quoted(address + query)];
}

function rest(procedure, input, url) {
  const { method, path } = procedure.rest;
  const fields = isRecord(input) ? { ...input } : {};
  const filled = path.replace(/\{(\w+)\}/g, (hole, name) => {
    if (fields[name] === undefined) return hole.toUpperCase().slice(1, -1);
    const value = encodeURIComponent(fields[name]);
    delete fields[name];
    return value;
  });
  const how = method === "GET" ? [] : [`-X ${method}`];
  if (method === "GET" || method === "DELETE") return ["-sS", ...how, quoted(url + filled + queryOf(fields))];
  const body = Object.keys(fields).length ? ['-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(fields))}`] : [];
  return ["-sS", ...how, quoted(url + filled), ...body];
}

function queryOf(fields) {
  const pairs = Object.entries(fields).flatMap(([name, value]) => {
    const values = Array.isArray(value) ? value : [value];
    return values.map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one !== null && typeof one === "object" ? JSON.stringify(one) : String(one))}`);
  });
  return pairs.length ? `?${pairs.join("&")}` : "";
}

/** For a shell: within single quotes everything is itself but the quote. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
