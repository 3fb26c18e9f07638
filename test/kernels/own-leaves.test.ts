// Scans of vectors that have leaves of their own, against scans of each as if it were alone in its leaf.

import t from 'tap';
import { blockBytes } from '../../src/kernels/layout.js';
import { random } from './arena.js';
import { deadBits, ownLeaves, scan, scanAll } from './own-leaves.js';
import { scene } from './scene.js';

for (const [dim, bits] of [
  [8, 1],
  [40, 4],
  [104, 2],
  [768, 1],
] as const) {
  t.test(`each vector is estimated by its own leaf, ${dim} dimensions, ${bits} bits`, async (t) => {
    const scanned = scene(dim, bits, 200);
    const { arena, blocks } = scanned;
    const tombstones = deadBits(arena, random(9));
    const leaf = { constant: 0, errorScale: 0 };
    const own = ownLeaves(
      arena,
      { ...leaf, blocks, count: 101, firstPosition: 900, tombstones, firstBit: 3 },
      random(dim),
    );
    const none = ownLeaves(
      arena,
      { ...leaf, blocks, count: 0, firstPosition: 0, tombstones, firstBit: 0 },
      random(1),
    );
    const living = ownLeaves(
      arena,
      {
        ...leaf,
        blocks: blocks + 4 * blockBytes(dim, bits),
        count: 64,
        firstPosition: 10,
        tombstones: 0,
        firstBit: 0,
      },
      random(dim + 1),
    );
    const plain = {
      ...leaf,
      blocks,
      count: 40,
      firstPosition: 200,
      tombstones,
      firstBit: 150,
      constant: 0.25,
    };
    const entries = [own, none, plain, living];
    for (const metric of [0, 1, 2] as const) {
      const alone = scanAll(scanned, entries, metric);
      const { scanned: count, found } = scan(scanned, entries, metric, 300);
      t.equal(count, alone.size, 'what lives and is reached is counted');
      t.strictSame(new Map(found), alone, `metric ${metric}`);
      const best = [...alone].sort(([a, x], [b, y]) => x.estimate - y.estimate || a - b);
      for (const keep of [0, 1, 7, 40])
        t.strictSame(scan(scanned, entries, metric, keep).found, best.slice(0, keep), `the best ${keep}`);
    }
  });
}
