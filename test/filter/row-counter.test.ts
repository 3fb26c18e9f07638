import fc from 'fast-check';
import t from 'tap';
import { inAtLeast } from '../../src/filter/row-counter.js';
import { RowSet } from '../../src/filter/row-set.js';

t.test('rows in so many of the sets are found as by counting', async (t) => {
  const sets = fc.array(fc.uniqueArray(fc.nat(12)), { maxLength: 20 });
  fc.assert(
    fc.property(sets, fc.integer({ min: 1, max: 22 }), (lists, countMin) => {
      const rows = lists.map((list) => RowSet.of(list));
      const found = [...inAtLeast(rows, countMin).toUint32Array()];
      const expected = Array.from({ length: 13 }, (_, row) => row).filter(
        (row) => lists.filter((list) => list.includes(row)).length >= countMin,
      );
      if (String(found) !== String(expected)) throw new Error(`found ${found}, expected ${expected}`);
      if (rows.some((set, at) => set.size !== lists[at]?.length)) throw new Error('a set was changed');
    }),
    { numRuns: 1000, verbose: true },
  );
  t.pass();
});
