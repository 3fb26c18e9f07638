import fc from 'fast-check';
import { RoaringArenaAllocator } from 'roaring-wasm';
import t from 'tap';
import { Postings } from '../../src/filter/postings.js';

/** Past the sizes at which rows go from a number to an array to a bitmap. */
const ROWS = 100;

t.test('rows of a value come and go in any order, across all sizes', async (t) => {
  const order = fc.shuffledSubarray(Array.from({ length: ROWS }, (_, row) => row * 1000));
  fc.assert(
    fc.property(order, order, (added, removed) => {
      const arena = RoaringArenaAllocator.start();
      const postings = new Postings<string>();
      const empty = postings.bytes;
      const model = new Set<number>();
      const check = () => {
        const union = postings.unionOf(['a']);
        if (union.size !== model.size || ![...model].every((row) => union.has(row))) throw new Error('rows');
        union.dispose();
        if (postings.has('a') !== model.size > 0) throw new Error('has');
      };
      for (const row of added) {
        postings.add('a', row);
        postings.add('a', row);
        model.add(row);
        check();
      }
      for (const row of [...removed, ...added]) {
        postings.remove('a', row);
        model.delete(row);
        check();
      }
      if (postings.bytes !== empty) throw new Error(`${postings.bytes - empty} bytes remain`);
      postings.dispose();
      const left = arena.size;
      arena.stop();
      if (left > 0) throw new Error(`${left} bitmaps were not disposed of`);
    }),
    { numRuns: 50, verbose: true },
  );
  t.pass();
});

t.test('counts are of all rows, or of those among others', async (t) => {
  const postings = new Postings<number>();
  for (let row = 0; row < ROWS; row++) {
    postings.add(1, row);
    if (row < 10) postings.add(2, row);
  }
  postings.add(3, 7);
  const among = postings.unionOf([3]);
  const countsOf = (rows: typeof among | undefined) => {
    const counts: Record<number, number> = {};
    postings.forEachCount(rows, (value, count) => {
      counts[value] = count;
    });
    return counts;
  };
  t.strictSame(countsOf(undefined), { 1: ROWS, 2: 10, 3: 1 });
  t.strictSame(countsOf(among), { 1: 1, 2: 1, 3: 1 });
  const even = postings.unionWhere((value) => value % 2 === 0);
  t.strictSame([...even.toUint32Array()], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

t.test('texts that UTF-8 cannot hold are kept apart', async (t) => {
  const postings = new Postings<string>();
  const lone = `a long text with a lone surrogate \ud800`;
  postings.add(lone, 1);
  postings.add(lone.replace('\ud800', '\ufffd'), 2);
  t.strictSame([...postings.unionOf([lone]).toUint32Array()], [1]);
  postings.remove(lone, 1);
  t.notOk(postings.has(lone));
});
