// What a scan keeps between its leaves: all that may be among the k best, against sorted lists.

import t from 'tap';
import { BUFFER } from '../../src/kernels/layout.js';
import { scene } from './scene.js';

const COUNT = 200;
const [DIM, BITS, DOT] = [104, 2, 2] as const;

/** All vectors of a scene in a buffer that keeps so many, and their estimates and error bounds by position. */
function scanned(keep: number) {
  const { arena, tables, tableOut, blocks, estimates, errors, tableErrors } = scene(DIM, BITS, COUNT);
  const tombstones = arena.allocate(64);
  const place = { blocks, count: COUNT, firstPosition: 0, tombstones, firstBit: 0 };
  const leaves = arena.leaves([{ ...place, constant: 0, errorScale: 1 }]);
  const buffer = arena.buffer(keep, Math.max(2 * keep, keep + 32));
  const scan = () => arena.kernels.scanLeaves(tables.address, tableOut.address, DIM, BITS, leaves, 1, buffer);
  const tighten = (k: number, widths: number) =>
    arena.kernels.tighten(buffer, k, tableOut.address, DIM, BITS, DOT, widths);
  scan();
  const widthOf = (position: number) =>
    Math.hypot(errors[position] as number, tableErrors[position] as number);
  return { arena, buffer, estimates, widthOf, scan, tighten };
}

t.test('what is estimated beyond the limit is dropped, and nothing else', async (t) => {
  for (const k of [1, 10, 16, 60]) {
    for (const widths of [0.1, 1, 3]) {
      const { arena, buffer, estimates, widthOf, scan, tighten } = scanned(COUNT);
      tighten(k, widths);
      const { positions } = arena.candidates(buffer);
      const limit = arena.threshold(buffer);
      const sorted = estimates.slice(0, COUNT).sort((a, b) => a - b);
      const kth = sorted[k - 1] as number;
      const width = (limit - kth) / widths;
      const best = estimates
        .slice(0, COUNT)
        .map((estimate, i) => ({ estimate, width: widthOf(i) }))
        .sort((a, b) => a.estimate - b.estimate)
        .slice(0, k < 16 ? COUNT : k)
        .map((one) => one.width);
      const mean = best.reduce((sum, value) => sum + value, 0) / best.length;
      t.ok(width > Math.min(...best) - 1e-3 && width < Math.max(...best) + 1e-3, `${k}, ${widths}: ${width}`);
      if (k === 16) t.ok(Math.abs(width - mean) < 0.01 * mean, `the mean error bound: ${width}, not ${mean}`);
      const expected = estimates.flatMap((estimate, i) => (i < COUNT && estimate < limit ? [i] : []));
      const near = (i: number) => Math.abs((estimates[i] as number) - limit) < 1e-3;
      t.strictSame(
        positions.toSorted((a, b) => a - b).filter((i) => !near(i)),
        expected.filter((i) => !near(i)),
      );
      t.ok(positions.length >= k, 'the k best stay');
      const pushed = arena.field(buffer, BUFFER.pushed);
      scan();
      t.equal(arena.field(buffer, BUFFER.pushed) - pushed, positions.length, 'only the same enter again');
    }
  }
});

t.test('fewer than k, or a narrower threshold, are left as they are', async (t) => {
  const few = scanned(COUNT);
  few.tighten(COUNT + 1, 1);
  few.tighten(0, 1);
  t.equal(few.arena.threshold(few.buffer), Number.POSITIVE_INFINITY);
  t.equal(few.arena.candidates(few.buffer).positions.length, COUNT);

  const { arena, buffer, tighten } = scanned(20);
  arena.kernels.finishBuffer(buffer);
  const limit = arena.threshold(buffer);
  const before = arena.candidates(buffer).positions;
  tighten(10, 1000);
  t.equal(arena.threshold(buffer), limit, 'what was cut before was not kept either');
  t.strictSame(arena.candidates(buffer).positions.toSorted(), before.toSorted());
});
