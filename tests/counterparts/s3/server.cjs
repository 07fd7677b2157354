/* An S3 server with one account and one bucket; a file beside its objects says how it is to fail from now on. */
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const [packages, directory, port, bucket, keyId, secret, certificate] = process.argv.slice(2);
const found = createRequire(path.join(packages, "package.json"));
const S3rver = found("@20minutes/s3rver");
const accounts = found("@20minutes/s3rver/lib/models/account");
accounts.DUMMY_ACCOUNT.createKeyPair(keyId, secret);

const options = { address: "127.0.0.1", port: Number(port), silent: true, directory, vhostBuckets: false, configureBuckets: [{ name: bucket, configs: [] }] };
if (certificate) options.key = options.cert = fs.readFileSync(certificate);
const server = new S3rver(options);

const wanted = () => {
  try {
    return JSON.parse(fs.readFileSync(path.join(directory, "faults.json"), "utf8"));
  } catch {
    return {};
  }
};

server.middleware.unshift(async (ctx, next) => {
  const fault = wanted();
  fs.appendFileSync(path.join(directory, "asked.log"), `${ctx.method} ${ctx.url} ${ctx.get("range")}\n`);
  if (!ctx.get("authorization")) ctx.throw(403); // The library lets strangers in.
  if (fault.status && (!fault.method || fault.method === ctx.method)) {
    ctx.status = fault.status;
    ctx.body = `<?xml version="1.0"?><Error><Code>${fault.code}</Code></Error>`;
    return;
  }
  if (fault.silent_ms) await new Promise((done) => setTimeout(done, fault.silent_ms));
  await next();
  if (fault.half && ctx.method === "GET" && ctx.body?.pipe) {
    const body = await ctx.body.toArray();
    const whole = Buffer.concat(body);
    ctx.respond = false;
    ctx.res.writeHead(ctx.status, { "content-length": whole.length });
    ctx.res.write(whole.subarray(0, Math.floor(whole.length / 2)), () => ctx.res.destroy());
  }
});

server.run().then(() => console.log("ready"));
