/* A certified OpenID Connect provider with a few people, for one client. Its configuration comes as JSON on the first argument. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";

process.stdin.on("end", () => process.exit()).resume(); // It ends with whoever started it.

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
let people = given.people;

const provider = new Provider(given.issuer, {
  clients: given.clients,
  jwks: { keys: given.keys },
  cookies: { keys: ["a key of the tests"] },
  claims: { openid: ["sub", "amr"], profile: ["name", "preferred_username", "groups"], email: ["email", "email_verified"] },
  conformIdTokenClaims: given.tells_by_userinfo,
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => { ctx.body = `<body>${form}<button id="out" type="submit" form="op.logoutForm" name="logout" value="yes">Out</button></body>`; },
    },
    backchannelLogout: { enabled: true },
  },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed("refresh_token"),
  findAccount: (ctx, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options), // The library's own way refuses addresses of this machine.
});

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function interact(request, response) {
  await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    response.setHeader("content-type", "text/html");
    response.end('<form method="post"><input name="login"><input name="amr"><button id="in">In</button></form>');
    return;
  }
  const form = new URLSearchParams(await body(request));
  const login = { accountId: form.get("login"), amr: form.get("amr") ? [form.get("amr")] : ["pwd"] };
  const outcome = people[login.accountId] ? { login } : { error: "access_denied", error_description: "nobody of that name" };
  await provider.interactionFinished(request, response, outcome, { mergeWithLastSubmission: false });
}

async function remember(request, response) {
  people = JSON.parse(await body(request));
  response.end();
}

const answer = provider.callback();
const tls = readFileSync(given.tls);
createServer({ key: tls, cert: tls }, (request, response) => {
  const act = request.url.startsWith("/interaction/") ? interact : request.url === "/people" ? remember : answer;
  Promise.resolve(act(request, response)).catch((error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
}).listen(given.port, "127.0.0.1");
