import t from 'tap';
import { PayloadIndexes } from '../../src/filter/payload-indexes.js';
import { RowSet } from '../../src/filter/row-set.js';
import { among, exactly, indexed, isReady, rowOf } from './indexed.js';

/** Of a column. */
const CHUNK_ROWS = 4096;

t.test('numbers are compared and matched exactly', async (t) => {
  const { ask } = indexed('float', [1.5, -2, [0, 100], '1.5', null, undefined]);
  t.strictSame(ask({ range: { gte: 1.5 } }), exactly(0, 2));
  t.strictSame(ask({ range: { gt: 1.5 } }), exactly(2));
  t.strictSame(ask({ range: { gt: -2, lt: 1.5 } }), exactly(2), 'the 0 of two numbers');
  t.strictSame(ask({ range: { gt: 0, lt: 1.5 } }), exactly(), 'one number is within all bounds');
  t.strictSame(ask({ match: { any: [-2, 100] } }), exactly(1, 2));
  t.strictSame(ask({ match: { value: '1.5' } }), among([3], 'k'));
  t.strictSame(ask({ match: { except: [1.5, -2] } }), among([2, 3]));
  t.strictSame(ask({ range: { gte: '2026-01-01T00:00:00Z' } }), among([3], 'k'));
});

t.test('dates are compared as instants', async (t) => {
  const { ask } = indexed('datetime', [
    '2026-01-01T00:00:00Z',
    '2026-01-01T01:00:00+01:00',
    '2026-06-01T00:00:00Z',
    '2026-06-31T00:00:00Z',
    1_767_225_600_000,
  ]);
  t.strictSame(ask({ range: { lte: '2025-12-31T23:00:00-01:00' } }), exactly(0, 1));
  t.strictSame(ask({ range: { gt: '2026-01-01T00:00:00Z' } }), exactly(2), '31 June is no date');
  t.strictSame(
    ask({ match: { value: '2026-01-01T00:00:00Z' } }),
    among([0, 1], 'k'),
    'which text is not known',
  );
  t.strictSame(ask({ match: { value: '2026-02-01T00:00:00Z' } }), exactly());
  t.strictSame(ask({ match: { except: ['2026-01-01T00:00:00Z'] } }), among([0, 1, 2, 3, 4], 'k'));
  t.strictSame(ask({ match: { value: 'soon' } }), among([3, 4], 'k'));
});

t.test('chunks of which all rows are within a range, some or none', async (t) => {
  const indexes = new PayloadIndexes();
  indexes.set('k', 'float');
  const rows = 3 * CHUNK_ROWS;
  for (let row = 0; row < rows; row++) indexes.add(row, { k: row });
  const live = new RowSet().addRange(0, rows);
  const countOf = (range: object) => {
    const selection = indexes.select({ must: [{ key: 'k', range }] }, live, rowOf, isReady);
    t.ok(selection.isExact);
    return selection.rows.size;
  };
  t.equal(countOf({ gte: 0 }), rows);
  t.equal(countOf({ gt: 0 }), rows - 1);
  t.equal(countOf({ gte: CHUNK_ROWS, lt: 2 * CHUNK_ROWS }), CHUNK_ROWS);
  t.equal(countOf({ gte: 10, lte: 2 * CHUNK_ROWS }), 2 * CHUNK_ROWS - 9);
  t.equal(countOf({ gt: rows }), 0);
  indexes.remove(CHUNK_ROWS, { k: CHUNK_ROWS });
  t.equal(countOf({ gte: CHUNK_ROWS, lt: 2 * CHUNK_ROWS }), CHUNK_ROWS - 1);
  indexes.add(CHUNK_ROWS, { k: [-1, 1e9] });
  t.equal(countOf({ lt: 0 }), 1);
  t.equal(countOf({ gt: rows }), 1, 'the second number widens the bounds, too');
  indexes.remove(CHUNK_ROWS, { k: [-1, 1e9] });
  t.equal(countOf({ gt: rows }), 0);
});
