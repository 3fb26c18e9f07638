import t from 'tap';
import { arenaLayout, arenaShape } from '../../../src/index/build/arena.js';
import { completeSettings } from '../../../src/index/settings.js';
import { build, clustered } from '../built.js';
import { assertValid, storedCentroids } from '../validity.js';

const MIB = 2 ** 20;

function arenaBytes(dimension: number, points: number, threads: number): number {
  const settings = completeSettings({ dimension, metric: 'l2' });
  return arenaLayout(arenaShape(settings, points, threads)).end;
}

t.test('the arena of a small collection is small, however many threads there are', async (t) => {
  for (const threads of [1, 2, 64, 256]) {
    for (const points of [1, 100, 5000]) {
      const vectors = points * 768 * 4;
      const bytes = arenaBytes(768, points, threads);
      t.ok(bytes < 6 * vectors + 16 * MIB, `${threads} threads, ${points} points: ${bytes / MIB} MiB`);
    }
  }
});

t.test(
  'the arena of a million vectors stays below 600 MiB on two threads and below 1 GiB on 64',
  async (t) => {
    for (const [threads, limit] of [
      [2, 600],
      [64, 1024],
    ] as const) {
      const mebibytes = arenaBytes(768, 1_000_000, threads) / MIB;
      t.ok(mebibytes < limit, `${threads} threads: ${mebibytes} MiB`);
    }
  },
);

t.test('a build starts no thread that would have next to nothing to do', async (t) => {
  const settings = completeSettings({ dimension: 8, metric: 'l2' });
  t.equal(arenaShape(settings, 1, 64).threads, 1);
  t.ok(arenaShape(settings, 3000, 64).threads < 10);
  t.equal(arenaShape(settings, 1_000_000, 64).threads, 64);
});

t.test('threads that share an area for sums find the centroids that one thread finds', async (t) => {
  const vectors = clustered(2000, 16, 7);
  const settings = completeSettings({ dimension: 16, metric: 'l2', maxLeafSize: 100, branchingFactor: 8 });
  const alone = build(vectors, settings, { chunkRows: 100 });
  const shared = build(vectors, settings, { chunkRows: 100, threads: 5, sumAreas: 2 });
  assertValid(t, shared, 100);
  t.equal(shared.leaves, alone.leaves);
  const expected = storedCentroids(alone);
  const differences = storedCentroids(shared).flatMap((centroid, leaf) => {
    const largest = Math.max(...centroid.map(Math.abs));
    return [...centroid].map((value, i) => Math.abs(value - (expected[leaf]?.[i] as number)) / largest);
  });
  t.ok(Math.max(...differences) < 1.1 / 127, 'they differ by one step of their int8 at most');
});
