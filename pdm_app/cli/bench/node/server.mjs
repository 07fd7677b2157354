// The peer of the benchmark of calls: a tRPC server as its authors' documentation builds one, with the same work to do.
// Usage: NODE_ENV=production node server.mjs; prints {"port": N, "token": "..."} once it serves, logs to standard error.
import { createServer } from 'node:http';
import { EventEmitter, on, setMaxListeners } from 'node:events';
import { randomBytes, randomUUID } from 'node:crypto';
import { initTRPC, TRPCError } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { jwtVerify, SignJWT } from 'jose';
import pino from 'pino';
import { WebSocketServer } from 'ws';
import { z } from 'zod';

const ROWS = 10;
const EVERY_MS = 1000;
const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: false }));
const key = randomBytes(32);

// A session as the product keeps it: in memory, looked at for every call, so that an ended one is refused at once.
const session = { id: randomUUID(), user: 'bench', revokedAt: null, expiresAt: Date.now() + 7 * 86_400_000 };
const sessions = new Map([[session.id, { ...session, permissions: new Set(['alarms.read', 'signals.read']), sites: new Set(['load']) }]]);
const verified = new Map(); // As the product does it: a token's signature is checked once, its expiry at every call.

const actorOf = async (authorization) => {
  if (!authorization?.startsWith('Bearer ')) return null;
  const token = authorization.slice(7);
  let claims = verified.get(token);
  if (!claims) {
    try {
      claims = (await jwtVerify(token, key, { issuer: 'peer', algorithms: ['HS256'] })).payload;
    } catch {
      return null;
    }
    if (verified.size >= 4096) verified.clear();
    verified.set(token, claims);
  }
  const now = Date.now();
  if (claims.exp * 1000 <= now) return null;
  const found = sessions.get(claims.sid);
  return found && found.revokedAt === null && found.expiresAt > now ? found : null;
};

const correlationOf = (req) => {
  const given = req.headers['x-correlation-id'];
  return typeof given === 'string' && /^[A-Za-z0-9._-]{8,64}$/.test(given) ? given : randomBytes(8).toString('hex');
};

const t = initTRPC.context().create();
const allowed = (permission) =>
  t.procedure.use(async ({ ctx, next }) => {
    const actor = await actorOf(ctx.req.headers.authorization);
    if (!actor) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Sign in first.' });
    if (!actor.permissions.has(permission)) throw new TRPCError({ code: 'FORBIDDEN', message: `Needs ${permission}.` });
    return next({ ctx: { actor } });
  });

const Id = z.string().min(1).max(36).regex(/^[A-Za-z0-9_.-]+$/);
const SignalNumber = z.number().int().min(1).max(4_294_967_295);
const standing = new Map();
const frames = new EventEmitter();
frames.setMaxListeners(0);

const router = t.router({
  now: t.procedure.query(() => Date.now() * 1000),
  alarms: t.router({
    active: allowed('alarms.read')
      .input(z.strictObject({ site_id: Id.nullish() }))
      .query(({ ctx, input }) => {
        if (input.site_id && !ctx.actor.sites.has(input.site_id)) throw new TRPCError({ code: 'NOT_FOUND' });
        return [...standing.values()].filter((alarm) => ctx.actor.sites.has(alarm.site_id));
      }),
  }),
  live: t.router({
    values: allowed('signals.read')
      .input(z.strictObject({ signals: z.array(SignalNumber).min(1).max(500) }))
      .subscription(async function* ({ signal }) {
        setMaxListeners(0, signal);
        for await (const [frame] of on(frames, 'frame', { signal })) yield frame;
      }),
  }),
});

const createContext = ({ req }) => ({ req });
const trpc = createHTTPHandler({ router, createContext, basePath: '/trpc/', maxBatchSize: 100 });
const server = createServer((req, res) => {
  const began = performance.now();
  const correlationId = correlationOf(req);
  res.setHeader('x-correlation-id', correlationId);
  if (req.headers.authorization) {
    res.on('finish', () =>
      log.info(
        {
          correlation_id: correlationId,
          method: req.method,
          path: req.url.split('?', 1)[0],
          status: res.statusCode,
          took_ms: Math.round((performance.now() - began) * 100) / 100,
          address: req.socket.remoteAddress,
        },
        'request',
      ),
    );
  }
  trpc(req, res);
});
applyWSSHandler({ wss: new WebSocketServer({ server, path: '/trpc' }), router, createContext });

setInterval(() => {
  if (frames.listenerCount('frame') === 0) return;
  const at = Math.round((performance.timeOrigin + performance.now()) * 1000);
  frames.emit('frame', { now: at, rows: Array.from({ length: ROWS }, (_, row) => [row + 1, at, 0, at, at]) });
}, EVERY_MS);

const token = await new SignJWT({ sid: session.id })
  .setProtectedHeader({ alg: 'HS256' })
  .setIssuer('peer')
  .setSubject('bench')
  .setExpirationTime('1h')
  .sign(key);
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port, token })));
process.stdin.on('end', () => process.exit(0)).resume(); // Never outlives the benchmark.
