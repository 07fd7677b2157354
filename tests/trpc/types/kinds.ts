// What a client may rely on for every kind of type. Compiling this file is the test; it is never run.
import { createTRPCClient, httpBatchStreamLink } from '@trpc/client';
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import type { AppRouter, Circle, Colour, EverythingInput, Level, Mixed, Node, Position } from './kinds-router.js';
import { is, type Equal } from './equal.js';

type In = inferRouterInputs<AppRouter>['kinds'];
type Out = inferRouterOutputs<AppRouter>['kinds'];
type Result = Out['everything'];
const client = createTRPCClient<AppRouter>({ links: [httpBatchStreamLink({ url: '/trpc' })] });

export function scalars() {
  type Scalars = Result['scalars'];
  is<Equal<Scalars['at' | 'day' | 'clock' | 'took' | 'id' | 'price' | 'image'], string>>();
  is<Equal<Scalars['ratio' | 'whole' | 'huge'], number>>();
  is<Equal<Scalars['sure'], boolean>>();
  is<Equal<Scalars['nothing'], null>>();
  is<Equal<Scalars['anything'], unknown>>();
  is<Equal<EverythingInput['scalars']['price'], number | string>>();
}

export function choices() {
  type Choices = Result['choices'];
  is<Equal<Choices['colour'], 'red' | 'green'>>();
  is<Equal<Choices['level'], 1 | 2>>();
  is<Equal<Choices['mixed'], 'word' | 7>>();
  is<Equal<Choices['word'], 'a' | 'b' | 1 | true | null>>();
  is<Equal<Choices['either'], number | string | null>>();
  const named: [Colour, Level, Mixed] = ['red', 2, 7];
  void named;
}

export function unions(shape: Result['shapes'][number]) {
  if (shape.kind === 'circle') is<Equal<typeof shape.radius_mm, number>>();
  else is<Equal<typeof shape.height_mm, number>>();
  const sent: EverythingInput['shapes'] = [{ kind: 'rectangle', width_mm: 1 }];
  // @ts-expect-error the field by which a union is told apart is needed, although it has a default
  const untold: EverythingInput['shapes'] = [{ radius_mm: 1 }];
  return [sent, untold];
}

export function recursion(result: Result) {
  is<Equal<(typeof result)['tree']['children'][number]['children'][number]['name'], string>>();
  is<Equal<NonNullable<(typeof result)['chicken']['laid'][number]['by']>['laid'][number]['by'] extends object | null ? 1 : 0, 1>>();
  const tree: Node = result.tree;
  const sent: EverythingInput['tree'] = { name: 'root', children: [{ name: 'leaf' }] };
  return [tree, sent];
}

export function collections() {
  type Collections = Result['collections'];
  is<Equal<Collections['many'], number[]>>();
  is<Equal<Collections['pair'], [number, string]>>();
  is<Equal<Collections['pairs'], [number, string | null][]>>();
  is<Equal<Collections['unique'], string[]>>();
  is<Equal<Collections['optional_members'], (number | null)[]>>();
  is<Equal<Collections['by_name'][string]['name'], string>>();
  is<Equal<Collections['by_number'][number], string>>();
  is<Equal<Collections['mode'][string], unknown>>();
  is<Equal<Collections['by_colour'], { red?: number; green?: number }>>();
  is<Equal<Position, [x_mm: number, y_mm: number, label: string | null]>>();
  const sent: EverythingInput['collections']['position'] = [1, 2]; // Its last field has a default.
  return sent;
}

export function names_on_the_wire() {
  is<Equal<Result['renamed']['createdAt'], number>>(); // As it is serialised,
  is<Equal<EverythingInput['renamed']['createdAt'], string>>(); // and as it is validated.
  is<Equal<Result['renamed']['content-type'], string>>();
  is<Equal<Result['renamed']['is_text'], boolean>>(); // Computed: only in results.
  // @ts-expect-error left out of results
  type Secret = Result['renamed']['secret'];
  // @ts-expect-error not taken as input
  type Computed = EverythingInput['renamed']['is_text'];
  return undefined as Secret | Computed;
}

export function shapes_of_objects() {
  is<Equal<Result['open']['known'], number>>();
  is<Equal<EverythingInput['open']['whatever'], unknown>>();
  is<Equal<Result['empty'], Record<string, never>>>();
  is<Equal<Result['names'], string[]>>();
  is<Equal<Result['page']['rows'][number]['notes'], string[]>>();
  is<Equal<Result['page']['next'], string | null>>();
  is<Equal<EverythingInput['page']['next'], string | null | undefined>>();
  is<Equal<Result['options']['verbose'], boolean | undefined>>();
  is<Equal<Result['encoded'], number[]>>(); // JSON inside JSON is taken as text and answered as what it holds.
  is<Equal<EverythingInput['encoded'], string>>();
}

export async function calls() {
  await client.kinds.defaults.query();
  await client.kinds.defaults.query({});
  await client.kinds.defaults.query({ limit: 3, colour: 'green', shape: { kind: 'circle', radius_mm: 1 } });
  await client.kinds.defaults.query({ shape: null });
  await client.kinds.pages.query();
  await client.kinds.pages.query([1]);
  const page = await client.kinds['by-name'].query('a');
  is<Equal<NonNullable<typeof page>['rows'][number]['name'], string>>();
  is<Equal<undefined extends typeof page ? 1 : 0, 1>>();
  is<Equal<Awaited<ReturnType<typeof client.kinds.opaque.query>>, unknown>>();
  is<Equal<In['by-name'], 'a' | 'b'>>();
  client.kinds.shapes.subscribe(undefined, {
    onData(event) {
      is<Equal<typeof event.id, string>>();
      if (event.data.kind === 'circle') {
        const circle: Circle = event.data;
        void circle;
      }
    },
  });
  for await (const event of client.kinds.shapes.subscribe({ lastEventId: '7' })) is<Equal<typeof event.id, string>>();
}

export async function namesakes() {
  const [machine, text, record, router] = await client.kinds.namesakes_of.query({ taken: true });
  is<Equal<typeof machine.height_mm, number>>();
  is<Equal<typeof text.title, string>>();
  is<Equal<(typeof record.held)[string], number>>();
  is<Equal<typeof router.name, string>>();
  await client.kinds.namesakes.mutate({ force: true });
}
