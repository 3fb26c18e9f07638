// The edges of each operator, by examples.

import t from 'tap';
import { type Filter, type FilterCondition, filter as schema } from '../../src/contract/filter.js';
import type { Payload } from '../../src/contract/payload.js';
import { filterPredicate } from '../../src/filter/predicate.js';

const isMet = (filter: Filter, payload: Payload | null, id: string | number = 1) =>
  filterPredicate(schema.parse(filter))(id, payload);
/** Whether the condition on the key `a` holds where `a` is the value. */
const holds = (condition: FilterCondition, value: unknown) =>
  isMet({ must: [{ key: 'a', ...condition }] }, { a: value });

t.test('a value equals a scalar of its own type only', async (t) => {
  for (const [wanted, found] of [
    [5, 5],
    [0, -0],
    [-0, 0],
    ['', ''],
    [false, false],
    [1e300, 1e300],
    [5, ['x', 5]],
    // Arrays inside of arrays are taken apart at all levels.
    [5, [[[5]], 4]],
  ] as const) {
    t.ok(holds({ match: { value: wanted } }, found), `${wanted} in ${JSON.stringify(found)}`);
    t.ok(holds({ match: { any: ['other', wanted] } }, found), `${wanted} in ${JSON.stringify(found)}`);
  }
  for (const [wanted, found] of [
    [5, '5'],
    ['5', 5],
    [true, 'true'],
    [1, true],
    [0, false],
    ['', null],
    [0, null],
    ['a', 'A'],
    ['é', 'e\u0301'],
    [5, []],
    [5, [[]]],
    [5, { a: 5 }],
    ['[object Object]', {}],
  ] as const) {
    t.notOk(holds({ match: { value: wanted } }, found), `${wanted} in ${JSON.stringify(found)}`);
    t.notOk(holds({ match: { any: [wanted] } }, found), `${wanted} in ${JSON.stringify(found)}`);
  }
});

t.test('except is about one value: another scalar than these', async (t) => {
  const condition = { match: { except: ['x', 0] } };
  for (const value of ['y', '0', true, 1, ['x', 'y'], [['x'], [['y']]]]) t.ok(holds(condition, value));
  for (const value of ['x', 0, -0, null, {}, [], ['x', 0], [null, {}, 'x']]) t.notOk(holds(condition, value));
  t.notOk(isMet({ must: [{ key: 'a', ...condition }] }, {}), 'a missing key has no value');
});

t.test('text wants all of its words in one string, prefix the last one only begun', async (t) => {
  const text = (query: string, value: unknown) => holds({ match: { text: query } }, value);
  const prefix = (query: string, value: unknown) => holds({ match: { prefix: query } }, value);
  t.ok(text('TREE old', 'an old, old tree.'));
  t.notOk(text('tre', 'tree'));
  t.notOk(text('old tree', ['old', 'tree']), 'each in another string');
  t.ok(text('old tree', ['old', ['a tree: old']]));
  t.notOk(text('5', 5), 'a number is no text');
  t.notOk(text('true', [true, null, { true: 'true' }]));
  t.ok(prefix('old tr', 'Trees: old ones'));
  t.ok(prefix('tree', 'tree'));
  t.notOk(prefix('ol tree', 'old tree'), 'only the last word is begun');
  t.ok(prefix('t t', 't'), 'one word may be both');
  t.notOk(prefix('ree', 'tree'), 'the middle of a word');
  for (const query of ['!', ' ', '\u0301', '❤️']) {
    t.notOk(text(query, `words and ${query}`), 'no word to look for');
    t.notOk(prefix(query, `words and ${query}`));
    t.notOk(prefix(query, ''));
  }
});

t.test('a range holds for one value within all bounds', async (t) => {
  const within = { range: { gt: 0, lte: 10 } };
  for (const value of [10, 0.1, [20, 5], [[-1], [[10]]]]) t.ok(holds(within, value));
  // 20 is above, -5 below: no one value is both.
  for (const value of [0, -0, 11, '5', true, null, {}, [], [20, -5], ['5']]) t.notOk(holds(within, value));
  t.ok(holds({ range: { gte: 0 } }, -0));
  t.ok(holds({ range: { lte: -0 } }, 0));
  t.notOk(holds({ range: { gt: 3, lt: 2 } }, 2.5), 'an empty range');
  t.ok(holds({ range: { gt: 1, gte: 2 } }, 2), 'both lower bounds');
  t.notOk(holds({ range: { gt: 2, gte: 1 } }, 2));
});

t.test('a range of dates compares instants, in strings only', async (t) => {
  const since = { range: { gte: '2026-01-01T00:00:00Z', lt: '2026-01-01T00:00:01Z' } };
  for (const value of [
    '2026-01-01T00:00:00Z',
    '2026-01-01t01:00:00.999+01:00',
    '2025-12-31 23:59:60.5z',
    '2025-12-31T12:00:00-12:00',
  ]) {
    t.ok(holds(since, value), value);
  }
  for (const value of [
    '2026-01-01T00:00:00+00:01',
    '2026-01-01T00:00:01Z',
    '2026-01-01',
    '2026-01-01T00:00:00',
    Date.UTC(2026, 0),
    'yesterday',
    null,
  ]) {
    t.notOk(holds(since, value), String(value));
  }
  t.notOk(holds({ range: { gte: 0 } }, '2026-01-01T00:00:00Z'), 'bounds are numbers, the value is none');
});

t.test('exists and is_null tell nothing, null and something apart', async (t) => {
  for (const [payload, exists, isNull] of [
    [null, false, false],
    [{}, false, false],
    [{ a: null }, true, true],
    [{ a: [] }, true, false],
    [{ a: [[]] }, true, false],
    [{ a: {} }, true, false],
    [{ a: 0 }, true, false],
    [{ a: [1, [null]] }, true, true],
    [{ b: null }, false, false],
  ] as const) {
    const about = JSON.stringify(payload);
    for (const wanted of [true, false]) {
      t.equal(isMet({ must: [{ key: 'a', exists: wanted }] }, payload), exists === wanted, about);
      t.equal(isMet({ must: [{ key: 'a', is_null: wanted }] }, payload), isNull === wanted, about);
    }
  }
  t.notOk(isMet({ must: [{ key: 'a.b', exists: true }] }, { a: [] }), 'an empty array on the way holds no b');
  t.ok(isMet({ must: [{ key: 'a.b', exists: true }] }, { a: [1, { b: [] }] }));
});

t.test('has_id names a point in both forms of its id, whatever its payload', async (t) => {
  t.ok(isMet({ must: [{ has_id: ['5', 'x'] }] }, null, 5));
  t.ok(isMet({ must: [{ has_id: [5] }] }, {}, '5'));
  t.notOk(isMet({ must: [{ has_id: [5] }] }, {}, '05'));
  t.notOk(isMet({ must: [{ has_id: ['x'] }] }, {}, 'X'));
});

t.test('a filter without conditions holds for all points, and its parts must all hold', async (t) => {
  const [yes, no]: FilterCondition[] = [{ has_id: [1] }, { has_id: [2] }] as const as never;
  t.ok(isMet({}, null));
  t.ok(isMet({ must: [yes], should: [no, yes], must_not: [no] } as Filter, null));
  t.notOk(isMet({ must: [yes], should: [no] } as Filter, null));
  t.notOk(isMet({ should: [yes], must_not: [no, yes] } as Filter, null));
  const some = (min_count: number) =>
    isMet({ min_should: { conditions: [yes, no, yes], min_count } } as Filter, null);
  t.strictSame([0, 1, 2, 3, 4].map(some), [true, true, true, false, false]);
  t.notOk(isMet({ must: [no], min_should: { conditions: [yes], min_count: 0 } } as Filter, null));
  t.ok(isMet({ must_not: [{ must: [yes, { should: [no] }] }] } as Filter, null), 'not (yes and no)');
});

t.test('must_not of a condition on a missing key holds', async (t) => {
  t.ok(isMet({ must_not: [{ key: 'a', match: { value: 1 } }] }, null));
  t.ok(isMet({ must_not: [{ key: 'a', match: { except: [1] } }] }, { a: [] }));
});
