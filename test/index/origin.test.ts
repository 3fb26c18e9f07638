// What must not matter: where the data lies, and a vector far from all others.

import t from 'tap';
import { growMemory } from '../../src/index/allocate-memory.js';
import type { Generation } from '../../src/index/generation.js';
import { medianOf } from '../../src/index/origin.js';
import { planSearch } from '../../src/index/plan.js';
import { seededRandom } from '../../src/index/random.js';
import { instantiateKernels } from '../../src/kernels/kernels.js';
import { LEAF, LEAF_ENTRY_BYTES } from '../../src/kernels/layout.js';
import { distanceOf, type Given, TestIndex } from './built.js';
import { storedCentroids } from './validity.js';

const COUNT = 3000;
const QUERIES = 60;

/** N(0, 1) on a grid: moved by whole numbers up to a million, float32 still holds each exactly. */
function gridded(count: number, dimension: number, seed: number): Float32Array[] {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: dimension }, () => Math.round(16 * normal()) / 16),
  );
}

function moved(vectors: Float32Array[], offset: number): Float32Array[] {
  return vectors.map((vector) => vector.map((value) => value + offset));
}

/** Mean recall@10 as a search without settings has it. */
function defaultRecall(index: TestIndex, queries: Float32Array[]): number {
  const calibration = index.generation.leaves > 0 ? index.calibrate() : null;
  return index.recall(queries, { k: 10, ...planSearch(index.shape, calibration, { k: 10 }) });
}

/** The regions of the generation that a file holds, without its origin and the lengths of its centroids from 0. */
function contents({ layout, memory, leaves }: Generation): Buffer {
  const bytes = Buffer.from(memory.buffer.slice(layout.centroids, layout.fileBytes));
  const table = layout.leafTable - layout.centroids;
  for (let leaf = 0; leaf < leaves; leaf++)
    bytes.writeFloatLE(0, table + leaf * LEAF_ENTRY_BYTES + LEAF.centroidNorm);
  return bytes;
}

t.test('the median is of each coordinate, and one of the rows has it', async (t) => {
  const rows = Float32Array.of(1, -5, 7, 2, 3, 1e30, -4, 0.5, 2, 0);
  t.strictSame([...medianOf(rows, 5, 2)], [2, 0.5]);
  t.strictSame([...medianOf(rows, 4, 2)], [1, 0.5]);
  t.strictSame([...medianOf(rows, 1, 2)], [1, -5]);
});

for (const bits of [1, 2, 4] as const) {
  t.test(`data that is moved has the same index, and is found as well, with ${bits} bits`, async (t) => {
    const vectors = gridded(COUNT, 32, 1);
    const queries = gridded(QUERIES, 32, 2);
    const settings: Given = { dimension: 32, metric: 'l2', bits };
    const still = new TestIndex(vectors, settings);
    const recall = defaultRecall(still, queries);
    t.ok(recall >= 0.95, `recall ${recall}`);
    for (const offset of [1000, 16_000, 1_000_000]) {
      const index = new TestIndex(moved(vectors, offset), settings);
      t.ok(contents(index.generation).equals(contents(still.generation)), `moved by ${offset}`);
      t.equal(defaultRecall(index, moved(queries, offset)), recall, `recall at ${offset}`);
    }
  });
}

for (const quantizer of ['rabitq', 'sign'] as const) {
  t.test(`appended rows far from 0 are found by ${quantizer} codes`, async (t) => {
    for (const offset of [0, 16_000]) {
      const index = new TestIndex(moved(gridded(COUNT, 32, 1), offset), {
        dimension: 32,
        metric: 'l2',
        quantizer,
      });
      const unbuilt = new TestIndex(
        moved(gridded(COUNT, 32, 1), offset),
        { dimension: 32, metric: 'l2', quantizer },
        0,
      );
      unbuilt.encode();
      const queries = moved(gridded(QUERIES, 32, 2), offset);
      const least = quantizer === 'sign' ? 0.85 : 0.95;
      for (const found of [defaultRecall(index, queries), defaultRecall(unbuilt, queries)])
        t.ok(found >= least, `recall ${found} at ${offset}`);
    }
  });
}

for (const metric of ['l2', 'cosine', 'dot'] as const) {
  t.test(`one vector a million times longer than the others changes little for ${metric}`, async (t) => {
    const vectors = gridded(COUNT, 32, 1);
    vectors[777] = (vectors[777] as Float32Array).map((value) => value * 1e6);
    const queries = gridded(QUERIES, 32, 2);
    for (const indexed of [COUNT, 0]) {
      const index = new TestIndex(vectors, { dimension: 32, metric, bits: 2 }, indexed);
      index.encode();
      const recall = defaultRecall(index, queries);
      // Leaves of dot are ranked by angle: the long vector is often the nearest, and not in the first of them.
      t.ok(recall >= (metric === 'dot' ? 0.93 : 0.95), `recall ${recall} of ${indexed} indexed`);
      // By inner product not even a stored vector is nearest to itself.
      if (metric === 'dot') continue;
      for (let row = 0; row < 60; row++) {
        const [nearest] = index.search({ vector: vectors[row] as Float32Array, k: 1 }).rows;
        if (nearest !== row) t.fail(`row ${row} is not found`);
      }
    }
  });
}

t.test('a narrow cone of directions is told apart', async (t) => {
  const vectors = moved(gridded(COUNT, 32, 1), 100);
  const index = new TestIndex(vectors, { dimension: 32, metric: 'cosine' });
  const recall = defaultRecall(index, moved(gridded(QUERIES, 32, 2), 100));
  t.ok(recall >= 0.94, `recall ${recall}`);
});

t.test('inner products with data far from 0 are as good, of queries there and near 0', async (t) => {
  const vectors = moved(gridded(COUNT, 32, 1), 1000);
  for (const indexed of [COUNT, 0]) {
    const index = new TestIndex(vectors, { dimension: 32, metric: 'dot' }, indexed);
    index.encode();
    for (const offset of [0, 1000]) {
      const recall = defaultRecall(index, moved(gridded(QUERIES, 32, 2), offset));
      t.ok(recall >= 0.95, `recall ${recall} of ${indexed} indexed, queries at ${offset}`);
    }
  }
});

t.test('a query that was prepared before there was an origin leaves the codes alone', async (t) => {
  const vectors = moved(gridded(COUNT, 32, 1), 16_000);
  const index = new TestIndex(vectors, { dimension: 32, metric: 'l2' }, 0);
  const [vector] = moved(gridded(1, 32, 2), 16_000) as [Float32Array];
  const { rows } = index.search({ vector, k: 10, exact: true });
  const { generation } = index;
  index.encodeAtLook(2);
  const found = index.search({ vector, k: 10 });
  t.equal(generation.encodedCount, COUNT);
  t.strictSame(found.rows, rows);
  t.equal(found.stats.vectorsReranked, 0);
});

t.test('each leaf says how far its vectors lie from its centroid', async (t) => {
  for (const quantizer of ['rabitq', 'sign'] as const) {
    const vectors = moved(gridded(COUNT, 32, 1), 1000);
    const { generation } = new TestIndex(vectors, { dimension: 32, metric: 'l2', quantizer });
    const { leafTable, slotRows } = generation;
    const floats = new Float32Array(leafTable.buffer, leafTable.byteOffset, leafTable.length);
    const centroids = storedCentroids(generation);
    const rotated = moveAndRotate(generation, vectors);
    centroids.forEach((centroid, leaf) => {
      const at = leaf * (LEAF_ENTRY_BYTES / 4);
      const [count = 0, first = 0] = leafTable.subarray(at + 1, at + 3);
      let squares = 0;
      for (const row of slotRows.subarray(first, first + count))
        squares += distanceOf('l2', rotated[row] as Float32Array, centroid);
      const found = floats[at + LEAF.meanSquare / 4] as number;
      if (Math.abs(found / (squares / count) - 1) > 1e-4) t.fail(`leaf ${leaf}: ${found}`);
    });
  }
});

/** The vectors as leaves hold them: less the origin, rotated. */
function moveAndRotate(generation: Generation, vectors: Float32Array[]): Float32Array[] {
  const { memory, layout } = generation;
  const kernels = instantiateKernels(memory);
  const address = growMemory(memory, 32 * 4);
  const floats = new Float32Array(memory.buffer, address, 32);
  return vectors.map((vector) => {
    floats.set(vector);
    kernels.subtract(address, layout.origin, address, 32);
    kernels.rotate(address, 32, layout.signs);
    return floats.slice();
  });
}
