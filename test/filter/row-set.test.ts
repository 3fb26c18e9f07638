import t from 'tap';
import { RowSet } from '../../src/filter/row-set.js';
import { ROWS_MAX } from '../../src/limits.js';

t.test('rows are u32 and come back ascending', async (t) => {
  const rows = RowSet.of([ROWS_MAX - 1, 5, 0, 2 ** 31, 5]);
  t.strictSame([...rows.toUint32Array()], [0, 5, 2 ** 31, ROWS_MAX - 1]);
  t.equal(rows.size, 4);
  t.ok(rows.has(ROWS_MAX - 1));
  t.notOk(rows.has(6));
  rows.delete(5);
  rows.delete(6);
  t.equal(rows.size, 3);
});

t.test('operations change the set they are called on, and no other', async (t) => {
  const evens = RowSet.of([0, 2, 4, 6]);
  const low = new RowSet().addRange(0, 3);
  const listOf = (rows: RowSet) => [...rows.toUint32Array()];
  t.strictSame(listOf(evens.clone().and(low)), [0, 2]);
  t.strictSame(listOf(evens.clone().or(low)), [0, 1, 2, 4, 6]);
  t.strictSame(listOf(evens.clone().andNot(low)), [4, 6]);
  t.strictSame(listOf(evens.clone().xor(low)), [1, 4, 6]);
  t.equal(evens.andSize(low), 2);
  t.ok(evens.intersects(low));
  t.notOk(evens.intersects(RowSet.of([1])));
  t.strictSame(listOf(evens), [0, 2, 4, 6]);
  t.strictSame(listOf(low), [0, 1, 2]);
});

t.test('bytes grow with the rows, and by far less than 4 a row where they stand close', async (t) => {
  const rows = new RowSet();
  t.ok(rows.isEmpty);
  const empty = rows.bytes;
  t.ok(empty > 0);
  for (let row = 0; row < 200_000; row += 2) rows.add(row);
  t.ok(rows.bytes > empty + 100_000 / 8);
  t.ok(rows.bytes < empty + 100_000);
});
