import t from 'tap';
import { RowSet } from '../../src/filter/row-set.js';
import { among, exactly, indexed } from './indexed.js';

t.test('keywords are matched exactly', async (t) => {
  const { ask } = indexed('keyword', ['red', 'green', ['red', 'blue'], undefined, null, []]);
  t.strictSame(ask({ match: { value: 'red' } }), exactly(0, 2));
  t.strictSame(ask({ match: { any: ['blue', 'green', 'none'] } }), exactly(1, 2));
  t.strictSame(ask({ match: { value: 5 } }), exactly(), 'no row has another value than strings and null');
  t.strictSame(ask({ exists: true }), exactly(0, 1, 2, 4, 5));
  t.strictSame(ask({ exists: false }), exactly(3));
  t.strictSame(ask({ is_null: true }), exactly(4));
  t.strictSame(ask({ is_null: false }), exactly(0, 1, 2, 3, 5));
});

t.test('values of other types are only known to be there', async (t) => {
  const { ask } = indexed('keyword', ['red', 5, true, { x: 1 }, null]);
  t.strictSame(ask({ match: { value: 5 } }), among([1, 2, 3], 'k'));
  t.strictSame(ask({ match: { any: ['red', 5] } }), among([0, 1, 2, 3], 'k'));
  t.strictSame(ask({ match: { text: 'red' } }), among([0], 'k'), 'strings alone have words');
  t.strictSame(ask({ range: { gte: 1 } }), among([1, 2, 3], 'k'));
  t.strictSame(ask({ match: { except: ['red'] } }), among([1, 2, 3]));
});

t.test('except is exact where at most one listed value stands in a row with several', async (t) => {
  const { ask } = indexed('keyword', ['red', 'green', ['red', 'blue'], ['red', 'green'], ['red', 'red']]);
  t.strictSame(ask({ match: { except: ['red'] } }), exactly(1, 2, 3));
  t.strictSame(ask({ match: { except: ['none'] } }), exactly(0, 1, 2, 3, 4));
  t.strictSame(ask({ match: { except: ['red', 'green'] } }), among([2, 3]));
});

t.test('integers are matched and compared', async (t) => {
  const { ask } = indexed('integer', [1, 5, [-2, 8], 0, null]);
  t.strictSame(ask({ match: { value: -0 } }), exactly(3));
  t.strictSame(ask({ range: { gt: 1 } }), exactly(1, 2));
  t.strictSame(ask({ range: { gte: 1, lt: 8 } }), exactly(0, 1));
  t.strictSame(ask({ range: { gt: 5, gte: 1, lte: 8 } }), exactly(2), 'the narrowest bounds');
  t.strictSame(
    ask({ range: { gt: 5, gte: 5 } }),
    exactly(2),
    'without the bound that one of them leaves out',
  );
  t.strictSame(ask({ range: { lt: 1, lte: 1 } }), exactly(2, 3));
  t.strictSame(ask({ range: { gte: '2026-01-01T00:00:00Z' } }), exactly());
});

t.test('numbers that are no integers make a range of integers loose', async (t) => {
  const { ask } = indexed('integer', [1, 2.5, 7]);
  t.strictSame(ask({ range: { lt: 3 } }), among([0, 1]));
  t.strictSame(ask({ range: { gt: 5 } }), among([1, 2]));
});

t.test('facets are the most frequent values, ties in order of the values', async (t) => {
  const values = ['b', 'a', ['c', 'b', 'b'], 'd', ['a', 5], null];
  const { indexes } = indexed('keyword', values);
  t.strictSame(indexes.facet('k', undefined, 3), [
    { value: 'a', count: 2 },
    { value: 'b', count: 2 },
    { value: 'c', count: 1 },
  ]);
  t.strictSame(indexes.facet('k', RowSet.of([0, 2, 3]), 2), [
    { value: 'b', count: 2 },
    { value: 'c', count: 1 },
  ]);
  t.equal(indexes.facet('other', undefined, 3), undefined);
  t.strictSame(indexed('integer', [10, 9, [10, -1]]).indexes.facet('k', undefined, 10), [
    { value: 10, count: 2 },
    { value: -1, count: 1 },
    { value: 9, count: 1 },
  ]);
  t.strictSame(indexed('bool', [true, false]).indexes.facet('k', undefined, 10), [
    { value: false, count: 1 },
    { value: true, count: 1 },
  ]);
});

t.test('facets of many values are those of a plain sort', async (t) => {
  const values = Array.from({ length: 20_000 }, (_, row) => [(row * 7919) % 15_000, row % 12_000]);
  const counts = new Map<number, number>();
  for (const row of values) for (const value of new Set(row)) counts.set(value, (counts.get(value) ?? 0) + 1);
  const expected = [...counts]
    .sort(([a, m], [b, n]) => n - m || a - b)
    .slice(0, 50)
    .map(([value, count]) => ({ value, count }));
  t.strictSame(indexed('integer', values).indexes.facet('k', undefined, 50), expected);
});
