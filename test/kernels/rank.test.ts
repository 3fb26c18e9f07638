// The kernels of navigation against the references.

import t from 'tap';
import { loadVector, rowBytes, storeVector } from '../../src/contract/stored-vector.js';
import { dotSpreadOf, expectedBelow, spreadOf } from '../../src/index/expected-hits.js';
import { expectedHits } from '../../src/index/probe-model.js';
import { LEAF, LEAF_ENTRY_BYTES } from '../../src/kernels/layout.js';
import { Arena, gaussian, random } from './arena.js';
import * as reference from './reference.js';

const DIM = 40;
const LEAVES = 9;

function scene(metric: 0 | 2) {
  const arena = new Arena();
  const next = random(metric);
  const query = arena.floats(gaussian(next, DIM));
  const shape = { dimension: DIM, precision: 'int8' } as const;
  const stride = rowBytes(shape);
  const centroids = arena.allocate(LEAVES * stride);
  const rows = new Uint8Array(arena.memory.buffer, centroids, LEAVES * stride);
  for (let leaf = 0; leaf < LEAVES; leaf++) storeVector(gaussian(next, DIM), 'int8', rows, leaf * stride);
  const centroid = (leaf: number) => loadVector(rows.slice(leaf * stride, (leaf + 1) * stride), shape);
  const decoded = arena.allocate(DIM * 4);
  const table = arena.leaves(
    Array.from({ length: LEAVES }, (_, i) => ({
      ...{ blocks: 1000 + i, count: 50 + i, firstPosition: 60 * i, tombstones: 16, firstBit: 60 * i },
      ...{ constant: -1, errorScale: -1 },
    })),
  );
  const nodes = arena.buffer(LEAVES);
  arena.fill(nodes, new Float32Array(LEAVES).fill(1), [8, 3, 1, 7, 0, 2, 6, 5, 4]);
  return { arena, query, centroids, centroid, table, nodes, decoded };
}

// By angle where the metric is dot.
for (const metric of [0, 1] as const) {
  t.test(`leaves are ranked by their exact distances of metric ${metric}`, async (t) => {
    const { arena, query, centroids, centroid, nodes, decoded } = scene(0);
    arena.kernels.normalize(query.address, DIM);
    arena.kernels.rescore(nodes, query.address, centroids, DIM, metric, 0, decoded);
    arena.kernels.sortBuffer(nodes, LEAVES);
    const distanceOf = (leaf: number) => reference.distance(query.view, centroid(leaf), metric);
    const found = arena.candidates(nodes);
    t.strictSame(
      found.positions,
      Array.from({ length: LEAVES }, (_, i) => i).sort((a, b) => distanceOf(a) - distanceOf(b)),
    );
    found.estimates.forEach((estimate, i) => {
      t.ok(Math.abs(estimate - distanceOf(found.positions[i] as number)) < 1e-4);
    });
  });
}

for (const metric of [0, 2] as const) {
  t.test(`the entries of metric ${metric} have what estimates need of the query and the leaf`, async (t) => {
    const { arena, query, centroids, centroid, table, nodes, decoded } = scene(metric);
    arena.kernels.rescore(nodes, query.address, centroids, DIM, 0, 0, decoded);
    const entries = arena.allocate(6 * LEAF_ENTRY_BYTES);
    const last = new Uint32Array(arena.memory.buffer, entries + 5 * LEAF_ENTRY_BYTES, 8).fill(9);
    const args = [query.address, centroids, DIM, metric, 0, decoded, entries] as const;
    arena.kernels.listLeaves(nodes, 5, table, ...args);
    arena
      .candidates(nodes)
      .positions.slice(0, 5)
      .forEach((leaf, i) => {
        const view = new DataView(arena.memory.buffer, entries + i * LEAF_ENTRY_BYTES);
        t.equal(view.getUint32(LEAF.blocks, true), 1000 + leaf);
        t.equal(view.getUint32(LEAF.count, true), 50 + leaf);
        t.equal(view.getUint32(LEAF.firstPosition, true), 60 * leaf);
        t.equal(view.getUint32(LEAF.tombstones, true), 16);
        t.equal(view.getUint32(LEAF.firstBit, true), 60 * leaf);
        const squared = reference.distance(query.view, centroid(leaf), 0);
        const constant = metric === 2 ? -reference.dot(query.view, centroid(leaf)) : squared;
        t.ok(Math.abs(view.getFloat32(LEAF.constant, true) - constant) < 1e-4 * DIM);
        const errorScale =
          metric === 2 ? Math.sqrt(reference.dot(query.view, query.view)) : Math.sqrt(squared);
        t.ok(Math.abs(view.getFloat32(LEAF.errorScale, true) - errorScale) < 1e-4 * DIM);
      });
    t.ok(
      last.every((word) => word === 9),
      'nothing is written past them',
    );
  });
}

t.test(
  'centroids of dot are compared where they are from 0: shifted by what they are relative to',
  async (t) => {
    const { arena, query, centroids, centroid, table, nodes, decoded } = scene(2);
    const shift = arena.floats(gaussian(random(5), DIM, 3));
    const moved = (leaf: number) => centroid(leaf).map((value, i) => value + (shift.view[i] as number));
    const unit = arena.floats(query.view);
    arena.kernels.normalize(unit.address, DIM);
    arena.kernels.rescore(nodes, unit.address, centroids, DIM, 1, shift.address, decoded);
    const entries = arena.allocate(LEAVES * LEAF_ENTRY_BYTES);
    const args = [query.address, centroids, DIM, 2, shift.address, decoded, entries] as const;
    arena.kernels.listLeaves(nodes, LEAVES, table, ...args);
    const { positions, estimates } = arena.candidates(nodes);
    positions.forEach((leaf, i) => {
      const angle = reference.distance(unit.view, moved(leaf), 1);
      t.ok(Math.abs((estimates[i] as number) - angle) < 1e-4, `leaf ${leaf}`);
      const view = new DataView(arena.memory.buffer, entries + i * LEAF_ENTRY_BYTES);
      const constant = -reference.dot(query.view, moved(leaf));
      t.ok(Math.abs(view.getFloat32(LEAF.constant, true) - constant) < 1e-4 * DIM, `leaf ${leaf}`);
    });
  },
);

t.test('the leaves to scan are those that hold the share of hits that the model expects', async (t) => {
  const model = { gap: -0.7, gapSquared: -0.05, relativeGap: -0.4, logSize: 1.1, logRank: -0.3 };
  const { arena, query, centroids, nodes, decoded } = scene(0);
  arena.kernels.rescore(nodes, query.address, centroids, DIM, 0, 0, decoded);
  arena.kernels.sortBuffer(nodes, LEAVES);
  const { positions, estimates } = arena.candidates(nodes);
  const distances = estimates.map(Math.sqrt);
  const sizes = positions.map((leaf) => 50 + leaf);
  const expected = new Float32Array(LEAVES);
  expectedHits(model, distances, sizes, LEAVES, expected);
  const weights = arena.floats(Object.values(model));
  const counts = arena.words(Array.from({ length: LEAVES }, (_, leaf) => 50 + leaf)).address;
  const hits = arena.floats(LEAVES);
  const total = expected.reduce((sum, value) => sum + value, 0);
  let sum = 0;
  for (let count = 1; count <= LEAVES; count++) {
    const share = (sum + 0.5 * (expected[count - 1] as number)) / total;
    sum += expected[count - 1] as number;
    const args = [nodes, LEAVES, share, weights.address, counts, hits.address] as const;
    t.equal(arena.kernels.chooseProbes(...args), count, `share ${share}`);
  }
  hits.view.forEach((value, i) => {
    t.ok(Math.abs(value / (expected[i] as number) - 1) < 1e-4, `leaf ${i}`);
  });
  t.equal(arena.kernels.chooseProbes(nodes, 1, 0.5, weights.address, counts, hits.address), 1);
});

for (const metric of [0, 1, 2] as const) {
  t.test(
    `the hits of metric ${metric} that leaves are expected to hold are those of the formula`,
    async (t) => {
      const arena = new Arena();
      const next = random(20 + metric);
      const counts = arena.words(Array.from({ length: LEAVES }, (_, leaf) => (leaf === 4 ? 0 : 20 + leaf)));
      const table = arena.allocate(LEAVES * LEAF_ENTRY_BYTES);
      const floats = new Float32Array(arena.memory.buffer, table, (LEAVES * LEAF_ENTRY_BYTES) / 4);
      const leaves = Array.from({ length: LEAVES }, (_, leaf) => {
        // The vectors of the last leaf are all the same.
        const spread = { centroidNorm: 3 * next(), meanSquare: leaf === LEAVES - 1 ? 0 : 0.2 + next() };
        floats[(leaf * LEAF_ENTRY_BYTES + LEAF.centroidNorm) / 4] = spread.centroidNorm;
        floats[(leaf * LEAF_ENTRY_BYTES + LEAF.meanSquare) / 4] = spread.meanSquare;
        return spread;
      });
      const nodes = arena.buffer(LEAVES);
      const order = [8, 3, 1, 7, 0, 2, 6, 5, 4];
      const distances = order.map(() => 0.05 + 3 * next());
      arena.fill(nodes, distances, order);
      const queryNorm = 1.7;
      const hits = arena.floats(LEAVES + 3);
      for (const dimensions of [1, 12, 300]) {
        for (const kth of [-3, -0.5, 0.1, 1, 4, Number.POSITIVE_INFINITY]) {
          const expected = order.map((leaf, i) => {
            const { centroidNorm, meanSquare } = leaves[leaf] as (typeof leaves)[number];
            const distance = distances[i] as number;
            const seen =
              metric === 2
                ? dotSpreadOf(distance, { centroidNorm, meanSquare, queryNorm })
                : spreadOf(distance, meanSquare);
            return expectedBelow({ count: counts.view[leaf] as number, ...seen }, kth, dimensions);
          });
          for (const first of [0, 4, LEAVES]) {
            hits.view.fill(-1);
            const { address } = counts;
            const args = [nodes, first, LEAVES, table, address, kth, queryNorm, dimensions, metric] as const;
            const others = first === LEAVES ? 0 : 3;
            const sum = arena.kernels.expectHits(...args, others, hits.address);
            const seen = expected.slice(first);
            const ofOthers = others === 0 ? 0 : others * Math.min(...seen);
            const of = seen.reduce((total, value) => total + value, ofOthers);
            const told = `${dimensions} dimensions, kth ${kth}, from ${first}`;
            t.ok(Math.abs(sum - of) <= 0.07 * of + 1e-5, `${told}: ${sum}, not ${of}`);
            hits.view.subarray(0, LEAVES).forEach((value, i) => {
              const wanted = i < first ? -1 : (expected[i] as number);
              if (!(Math.abs(value - wanted) <= 0.07 * Math.abs(wanted) + 1e-6)) t.fail(`${told}: ${i}`);
            });
          }
        }
      }
    },
  );
}
