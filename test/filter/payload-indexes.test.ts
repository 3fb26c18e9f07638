import t from 'tap';
import type { Filter } from '../../src/contract/filter.js';
import { type PayloadIndexType, payloadIndexType } from '../../src/contract/payload-index.js';
import { PayloadIndexes } from '../../src/filter/payload-indexes.js';
import { RowSet } from '../../src/filter/row-set.js';
import { among, exactly, isReady, rowOf } from './indexed.js';

const ROWS = 6;

/** Rows 0 to 5: `a` is even or odd, `n` the row; `n` has no index. */
function setUp(): { indexes: PayloadIndexes; select: (filter: Filter, ready?: typeof isReady) => unknown } {
  const indexes = new PayloadIndexes();
  indexes.set('a', 'keyword');
  indexes.set('three', 'bool');
  for (let row = 0; row < ROWS; row++) {
    indexes.add(row, { a: row % 2 === 0 ? 'even' : 'odd', n: row, three: row % 3 === 0 });
  }
  const live = new RowSet().addRange(0, ROWS);
  const select = (filter: Filter, ready = isReady): unknown => {
    const byId = (id: string) => (id.startsWith('p') ? Number(id.slice(1)) : undefined);
    const { rows, ...rest } = indexes.select(filter, live, byId, ready);
    return { rows: [...rows.toUint32Array()], ...rest };
  };
  return { indexes, select };
}

const EVEN = { key: 'a', match: { value: 'even' } };
const THREE = { key: 'three', match: { value: true } };
const UNKNOWN = { key: 'n', range: { gt: 2 } };

t.test('groups of exact conditions are exact', async (t) => {
  const { select } = setUp();
  t.strictSame(select({}), exactly(0, 1, 2, 3, 4, 5));
  t.strictSame(select({ must: [EVEN, THREE] }), exactly(0));
  t.strictSame(select({ should: [EVEN, THREE] }), exactly(0, 2, 3, 4));
  t.strictSame(select({ must_not: [EVEN] }), exactly(1, 3, 5));
  t.strictSame(select({ must: [EVEN], must_not: [THREE] }), exactly(2, 4));
  t.strictSame(select({ must_not: [{ must_not: [EVEN] }] }), exactly(0, 2, 4));
  t.strictSame(select({ must: [{ has_id: ['p1', 'p4', 'x', 'p99'] }] }), exactly(1, 4));
});

t.test('min_should counts', async (t) => {
  const { select } = setUp();
  const conditions = [EVEN, THREE, { has_id: ['p0', 'p3', 'p5'] }];
  t.strictSame(select({ min_should: { conditions, min_count: 2 } }), exactly(0, 3));
  t.strictSame(select({ min_should: { conditions, min_count: 3 } }), exactly(0));
  t.strictSame(select({ min_should: { conditions, min_count: 4 } }), exactly());
  t.strictSame(select({ min_should: { conditions, min_count: 0 } }), exactly(0, 1, 2, 3, 4, 5));
  const more = [...conditions, UNKNOWN];
  t.strictSame(select({ min_should: { conditions: more, min_count: 3 } }), among([0, 3], 'n'));
});

t.test('a condition without an index leaves as much as the others say', async (t) => {
  const { select } = setUp();
  t.strictSame(select({ must: [EVEN, UNKNOWN] }), among([0, 2, 4], 'n'));
  t.strictSame(select({ should: [EVEN, UNKNOWN] }), among([0, 1, 2, 3, 4, 5], 'n'));
  t.strictSame(select({ must: [EVEN], must_not: [UNKNOWN] }), among([0, 2, 4], 'n'));
  const nothing = { key: 'a', match: { value: 'none' } };
  t.strictSame(select({ must: [nothing, UNKNOWN] }), exactly(), 'nothing is exact');
});

t.test('an index that is not ready counts as none', async (t) => {
  const { select } = setUp();
  t.strictSame(
    select({ must: [EVEN, THREE] }, () => false),
    among([0, 1, 2, 3, 4, 5], 'a', 'three'),
  );
});

t.test('rows that are not live are left out', async (t) => {
  const { indexes } = setUp();
  const live = RowSet.of([1, 2]);
  for (const filter of [{}, { must: [EVEN] }, { must_not: [THREE] }, { should: [UNKNOWN] }] as Filter[]) {
    const { rows } = indexes.select(filter, live, rowOf, isReady);
    t.ok([...rows.toUint32Array()].every((row) => live.has(row)));
  }
});

t.test('indexes are filled, emptied, replaced and dropped one by one', async (t) => {
  const { indexes, select } = setUp();
  indexes.set('n', 'integer');
  for (let row = 0; row < ROWS; row++) indexes.addTo('n', row, { n: row });
  t.strictSame(select({ must: [UNKNOWN] }), exactly(3, 4, 5));
  indexes.remove(4, { n: 4 });
  indexes.remove(99, { n: 99, a: 'even' });
  t.strictSame(select({ must: [UNKNOWN] }), exactly(3, 5));
  indexes.set('n', 'float');
  t.strictSame(select({ must: [UNKNOWN] }), exactly());
  indexes.drop('n');
  indexes.addTo('n', 4, { n: 4 });
  t.equal(indexes.bytes('n'), 0);
  t.strictSame(select({ must: [UNKNOWN] }), among([0, 1, 2, 3, 4, 5], 'n'));
});

const VALUES: Record<PayloadIndexType, (row: number, round: number) => unknown> = {
  keyword: (row, round) => [`value ${row % 7}`, `a value of this round alone ${round}`],
  integer: (row, round) => [row, round],
  float: (row, round) => [row / 3, round],
  bool: (row) => [row % 2 === 0, true],
  datetime: (row, round) => new Date(row * 1e9 + round).toISOString(),
  text: (row, round) => [`words of row ${row}`, `and of round ${round}, ${row % 11}`],
  geo: (row, round) => [
    { lat: row % 90, lon: round % 180 },
    { lat: 0, lon: 0 },
  ],
};

for (const type of payloadIndexType.options) {
  t.test(`rows that come and go leave nothing behind: ${type}`, async (t) => {
    const indexes = new PayloadIndexes();
    indexes.set('k', type);
    const empty = indexes.bytes('k');
    const full: number[] = [];
    for (let round = 0; round < 20; round++) {
      const payloads = Array.from({ length: 300 }, (_, row) => ({
        k: [VALUES[type](row, round), null, { x: 1 }],
      }));
      for (const [row, payload] of payloads.entries()) indexes.add(row * 100, payload);
      full.push(indexes.bytes('k'));
      for (const [row, payload] of payloads.entries()) indexes.remove(row * 100, payload);
      t.equal(indexes.bytes('k'), empty);
    }
    t.ok(Math.max(...full) < 1.1 * Math.min(...full), 'each round takes as much');
    t.ok((full[0] as number) > empty);
  });
}
