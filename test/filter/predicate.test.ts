// What a filter means, against mingo as the oracle: it runs the same filter as a query of MongoDB.

import { env } from 'node:process';
import fc from 'fast-check';
import { Query } from 'mingo';
import t from 'tap';
import { type Filter, type FilterCondition, filter as schema } from '../../src/contract/filter.js';
import { filterPredicate } from '../../src/filter/predicate.js';
import { filters, ids, payloads, simpleConditions } from './arbitraries.js';
import { isNearAnEdge } from './edges.js';
import { documentOf, mongoQuery } from './mongo-query.js';

/** More of them find more: FILTER_RUNS=100000. Of the seed: fixed, FILTER_SEED gives another. */
const RUNS = Number(env.FILTER_RUNS ?? 2000);
const SEED = Number(env.FILTER_SEED ?? 20_261_127);

t.comment(`seed ${SEED}`);

/** What both say, or an error. */
function outcomeOf(filter: Filter, id: string | number, payload: Record<string, unknown> | null): boolean {
  const found = filterPredicate(schema.parse(filter))(id, payload);
  const expected = new Query(mongoQuery(filter)).test(documentOf(id, payload));
  if (found !== expected) throw new Error(`it says ${found}, mingo says ${expected}`);
  return found;
}

t.test('each kind of condition holds where it holds in MongoDB', async (t) => {
  const counts = new Map<string, { held: number; failed: number }>();
  fc.assert(
    fc.property(simpleConditions, ids, payloads, (condition, id, payload) => {
      fc.pre(!isNearAnEdge({ must: [condition] }, payload));
      const held = outcomeOf({ must: [condition] }, id, payload);
      const count = counts.get(kindOf(condition)) ?? { held: 0, failed: 0 };
      count[held ? 'held' : 'failed']++;
      counts.set(kindOf(condition), count);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  t.comment([...counts].map(([kind, { held, failed }]) => `${kind} ${held}/${failed}`).join(', '));
  t.equal(counts.size, 12);
  for (const [kind, { held, failed }] of counts) {
    t.ok(Math.min(held, failed) > 0, `${kind} both holds and fails: ${held}, ${failed}`);
  }
});

t.test('groups of conditions hold where they hold in MongoDB', async (t) => {
  let held = 0;
  fc.assert(
    fc.property(filters, ids, payloads, (filter, id, payload) => {
      fc.pre(!isNearAnEdge(filter, payload));
      if (outcomeOf(filter, id, payload)) held++;
    }),
    { numRuns: RUNS / 2, seed: SEED },
  );
  t.ok(Math.min(held, RUNS / 2 - held) > RUNS / 100, `${held} of ${RUNS / 2} hold`);
});

function kindOf({ match, range, ...others }: FilterCondition): string {
  if (match !== undefined) return `match ${Object.keys(match)[0]}`;
  if (range !== undefined) return `range of ${typeof Object.values(range)[0]}s`;
  return Object.keys(others).find((name) => name !== 'key') ?? '';
}
