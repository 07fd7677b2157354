// A small integration of the product, as a customer's team would write it. Compiling this file is the test.
import { createTRPCClient, createWSClient, httpBatchLink, isTRPCClientError, splitLink, wsLink } from '@trpc/client';
import type { Alarm, AppRouter, LiveRow } from './product-router.js';
import { is, type Equal } from './equal.js';

const client = createTRPCClient<AppRouter>({
  links: [
    splitLink({
      condition: (operation) => operation.type === 'subscription',
      true: wsLink({ client: createWSClient({ url: 'ws://127.0.0.1:8000/trpc' }) }),
      false: httpBatchLink({ url: 'http://127.0.0.1:8000/trpc', headers: { authorization: 'Bearer …' } }),
    }),
  ],
});

/** Acknowledge what is most urgent, and say why that failed. */
export async function acknowledge_first(): Promise<Alarm | string> {
  const [first] = await client.alarms.active.query();
  if (first === undefined) return 'nothing stands';
  is<Equal<typeof first.state, 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I'>>();
  is<Equal<typeof first.value, number | null>>();
  try {
    return await client.alarms.acknowledge.mutate({ alarm_id: first.id, comment: 'seen' });
  } catch (error) {
    if (isTRPCClientError<AppRouter>(error) && error.data?.code === 'FORBIDDEN') return String(error.data.facts?.['permission']);
    throw error;
  }
}

/** Follow some signals: the newest value of each by its id. */
export function follow(signals: number[], newest: Map<number, LiveRow[1]>) {
  return client.live.values.subscribe(
    { signals },
    {
      onData({ now, rows }) {
        is<Equal<typeof now, number>>();
        for (const [signal, value] of rows) newest.set(signal, value);
      },
    },
  );
}

/** The peaks of a span: every column is as long as the others, a gap is null. */
export async function peaks(signal: number, start_at: number, end_at: number) {
  const { series } = await client.history.envelope.query({ signals: [signal], start_at, end_at });
  return series.flatMap((one) => {
    is<Equal<typeof one.bucket_us, number>>();
    return one.high.filter((value) => value !== null);
  }) satisfies number[];
}

/** Which limits an asset's alarms have. */
export async function limits(asset_id: string) {
  const rules = await client.alarms.rules.query({ asset_id });
  return rules.map((rule) => {
    const { condition } = rule;
    return condition.kind === 'high' ? condition.limit - condition.deadband : rule.name;
  });
}

export async function mistakes() {
  // @ts-expect-error microseconds, not text
  await client.history.envelope.query({ signals: [1], start_at: 'today', end_at: 'now' });
  // @ts-expect-error an acknowledgement names its alarm
  await client.alarms.acknowledge.mutate({ comment: 'seen' });
  // @ts-expect-error live values are subscribed to
  await client.live.values.query({ signals: [1] });
}
