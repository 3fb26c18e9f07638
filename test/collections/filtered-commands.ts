// Random commands to a collection whose points have payloads, for its model.

import fc from 'fast-check';
import type { Filter } from '../../src/contract/filter.js';
import type { Payload } from '../../src/contract/payload.js';
import { type PayloadIndexType, payloadIndexType } from '../../src/contract/payload-index.js';
import { filters, ids, payloads } from '../filter/arbitraries.js';
import type { ModelChange } from './filter-oracle.js';

/** By either of them. */
export type Choice = { ids: (string | number)[] } | { filter: Filter };

export type Command =
  | { kind: 'upsert'; points: { id: string | number; seed: number; payload: Payload | null }[] }
  | { kind: 'delete'; choice: Choice }
  | { kind: 'update'; choice: Choice; change: ModelChange }
  | { kind: 'set_index'; key: string; type: PayloadIndexType; isAwaited: boolean }
  | { kind: 'drop_index'; key: string }
  | { kind: 'build' | 'reopen' | 'convert' };

/** What is asked after a command. */
export interface Questions {
  filter: Filter;
  seed: number;
  k: number;
  pageLimit: number;
  /** Of facets and groups. */
  key: string;
  groupSize: number;
}

export interface Step {
  command: Command;
  questions: Questions;
}

// Filters ask for ids of both kinds, of which 5 and "5" are one; others make the collection large enough.
const id = fc.oneof({ weight: 1, arbitrary: ids }, { weight: 3, arbitrary: fc.integer({ min: 0, max: 45 }) });
const seed = fc.integer({ min: 1, max: 10_000 });
/** As they come out of JSON, which has no -0. */
const payload = payloads.map((one) => JSON.parse(JSON.stringify(one)) as Payload | null);
const key = fc.constantFrom('a', 'b', 'a', 'b', 'a.b', 'b.a', 'place');
const someIds = fc.array(id, { minLength: 1, maxLength: 8 });

const choice: fc.Arbitrary<Choice> = fc.oneof(
  someIds.map((chosen) => ({ ids: chosen })),
  filters.map((filter) => ({ filter })),
);
/** A filter meets half of the points, too often for a collection that is to keep some. */
const deletion: fc.Arbitrary<Choice> = fc.oneof(
  { weight: 2, arbitrary: someIds.map((chosen) => ({ ids: chosen })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(someIds, filters)
      .map(([chosen, filter]) => ({ filter: { must: [{ has_id: chosen }, group(filter)] } })),
  },
);

const change: fc.Arbitrary<ModelChange> = fc.oneof(
  payload.map((set) => ({ set: set ?? {} })),
  payload.map((overwrite) => ({ overwrite: overwrite ?? {} })),
  fc
    .array(fc.constantFrom('a', 'b', 'place', 'a.b', 'b.a', 'a.b.c', 'place.lat', 'z'), {
      minLength: 1,
      maxLength: 3,
    })
    .map((delete_keys) => ({ delete_keys })),
);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .uniqueArray(fc.record({ id, seed, payload }), {
        selector: (point) => String(point.id),
        minLength: 1,
        maxLength: 20,
      })
      .map((points): Command => ({ kind: 'upsert', points })),
  },
  { weight: 2, arbitrary: deletion.map((chosen): Command => ({ kind: 'delete', choice: chosen })) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('update' as const), choice, change }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('set_index' as const),
      key,
      type: fc.constantFrom(...payloadIndexType.options),
      isAwaited: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: key.map((dropped): Command => ({ kind: 'drop_index', key: dropped })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Command>({ kind: 'build' }, { kind: 'reopen' }, { kind: 'convert' }),
  },
);

export const step: fc.Arbitrary<Step> = fc.record({
  command,
  questions: fc.record({
    filter: filters,
    seed,
    k: fc.integer({ min: 1, max: 50 }),
    pageLimit: fc.integer({ min: 1, max: 20 }),
    key,
    groupSize: fc.integer({ min: 1, max: 3 }),
  }),
});

/** The filter as a condition, which has a group in it. */
function group(filter: Filter): Filter {
  return Object.keys(filter).length === 0
    ? { min_should: { conditions: [{ has_id: [0] }], min_count: 0 } }
    : filter;
}
