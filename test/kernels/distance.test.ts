// Exact distances and nearest centroids against the references.

import t from 'tap';
import type { KernelMetric } from '../../src/kernels/kernels.js';
import { ASSIGN_BEST_BYTES, BUFFER } from '../../src/kernels/layout.js';
import { Arena, gaussian, random } from './arena.js';
import * as reference from './reference.js';

const METRICS: KernelMetric[] = [0, 1, 2];

t.test('distances of every dimension and metric equal the reference', async (t) => {
  const next = random(1);
  for (const dim of [1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 64, 100, 103, 768, 1537, 4096]) {
    const arena = new Arena();
    const query = arena.floats(gaussian(next, dim));
    query.view.set(query.view.map((value) => value / Math.sqrt(reference.dot(query.view, query.view))));
    const rows = arena.floats(gaussian(next, 5 * dim));
    rows.view.fill(0, dim, 2 * dim);
    const out = arena.floats(5);
    for (const metric of METRICS) {
      arena.kernels.distances(query.address, rows.address, 5, dim, metric, out.address);
      for (let i = 0; i < 5; i++) {
        const expected = reference.distance(query.view, rows.view.subarray(i * dim, (i + 1) * dim), metric);
        const difference = Math.abs((out.view[i] as number) - expected);
        t.ok(difference <= 1e-5 * (1 + Math.abs(expected)), `dim ${dim} metric ${metric}: ${difference}`);
      }
    }
  }
});

t.test(
  'rows are pushed with their distances, by their number in a matrix or by listed positions',
  async (t) => {
    const dim = 37;
    const arena = new Arena();
    const query = arena.floats(gaussian(random(2), dim));
    const rows = arena.floats(gaussian(random(3), 6 * dim));
    const list = arena.words([5, 0, 3, 3]);
    const positions = arena.words([90, 70, 80]);
    const all = arena.floats(6);
    for (const metric of METRICS) {
      arena.kernels.distances(query.address, rows.address, 6, dim, metric, all.address);
      const byNumber = arena.buffer(4);
      arena.kernels.pushListed(query.address, rows.address, list.address, 4, dim, metric, byNumber);
      const listed = arena.candidates(byNumber);
      t.same(listed.positions, [5, 0, 3, 3]);
      t.same(
        listed.estimates,
        [5, 0, 3, 3].map((row) => all.view[row]),
      );
      const byPosition = arena.buffer(3);
      arena.kernels.pushRows(query.address, rows.address, positions.address, 3, dim, metric, 0, byPosition);
      const placed = arena.candidates(byPosition);
      t.same(placed.positions, [90, 70, 80]);
      t.same(placed.estimates, [...all.view.subarray(0, 3)]);
    }
  },
);

t.test('negative, zero and positive distances are ordered', async (t) => {
  const arena = new Arena();
  const query = arena.floats([1]);
  const rows = arena.floats([-2, 0, 3, -0, 1e-40, -1e30, 1e30]);
  const positions = arena.words([6, 5, 4, 3, 2, 1, 0]);
  const buffer = arena.buffer(7);
  arena.kernels.pushRows(query.address, rows.address, positions.address, 7, 1, 2, 0, buffer);
  arena.kernels.sortBuffer(buffer, 7);
  const { positions: sorted, estimates } = arena.candidates(buffer);
  t.strictSame(sorted, [0, 4, 2, 3, 5, 6, 1]);
  t.same(estimates, [...Float32Array.from([-1e30, -3, -1e-40, 0, 0, 2, 1e30])]);
});

t.test('a row has the same distance wherever it stands', async (t) => {
  for (const dim of [3, 101, 770]) {
    const arena = new Arena();
    const query = arena.floats(gaussian(random(dim), dim));
    const row = gaussian(random(dim + 1), dim);
    const rows = arena.floats(9 * dim);
    for (let i = 0; i < 9; i++) rows.view.set(row, i * dim);
    const out = arena.floats(9);
    for (const metric of METRICS) {
      arena.kernels.distances(query.address, rows.address, 9, dim, metric, out.address);
      t.equal(new Set(out.view).size, 1, `dim ${dim} metric ${metric}`);
    }
  }
});

t.test('pushing exact distances skips the dead, NaN and what is not below the threshold', async (t) => {
  const arena = new Arena();
  const rows = arena.floats([1, 0, 2, 0, Number.NaN, 0, 3, 0, 0, 0, 4, 0, Number.POSITIVE_INFINITY, 0]);
  const query = arena.floats(2);
  const tombstones = arena.bytes(16);
  tombstones.view[1] = 0b1000;
  const buffer = arena.buffer(8);
  arena.kernels.pushExact(query.address, rows.address, 7, 2, 0, 0, 100, tombstones.address, 8, buffer);
  const { estimates, positions } = arena.candidates(buffer);
  t.strictSame(estimates, [1, 4, 0, 16]);
  t.strictSame(positions, [100, 101, 104, 105]);
  t.equal(arena.field(buffer, BUFFER.pushed), 4);
});

t.test('assignment finds the nearest of the listed centroids', async (t) => {
  const next = random(3);
  for (const [dim, count, listCount] of [
    [8, 1, 1],
    [8, 7, 3],
    [8, 1000, 6],
    [40, 33, 4],
    [104, 130, 17],
    [768, 21, 66],
    [4096, 5, 9],
  ] as const) {
    const arena = new Arena();
    const centroidCount = listCount + 5;
    const points = arena.floats(gaussian(next, count * dim));
    const centroids = arena.floats(gaussian(next, centroidCount * dim));
    const centroidRows = Array.from({ length: centroidCount }, (_, c) =>
      centroids.view.subarray(c * dim, (c + 1) * dim),
    );
    const norms = arena.floats(centroidRows.map((row) => reference.dot(row, row)));
    const list = arena.words(Array.from({ length: listCount }, (_, i) => (i * 3 + 1) % centroidCount));
    const numbers = arena.words(Array.from({ length: count }, (_, i) => (i * 7 + 2) % count));
    const nearest = arena.words(count);
    const best = arena.bytes(ASSIGN_BEST_BYTES);
    arena.kernels.assign(
      ...([points.address, numbers.address, count, dim, centroids.address, norms.address] as const),
      ...([list.address, listCount, nearest.address, best.address] as const),
    );
    for (let i = 0; i < count; i++) {
      const number = numbers.view[i] as number;
      const point = points.view.subarray(number * dim, (number + 1) * dim);
      const expected = reference.nearest(point, centroidRows, list.view);
      const chosen = reference.nearest(point, centroidRows, [nearest.view[i] as number]);
      t.ok(chosen.best - expected.best < 1e-4 * dim && list.view.includes(nearest.view[i] as number));
    }
  }
});

t.test('of equal centroids the one listed first is nearest', async (t) => {
  const dim = 8;
  const arena = new Arena();
  const points = arena.floats(3 * dim);
  const centroids = arena.floats(new Float32Array(9 * dim).fill(1));
  const norms = arena.floats(new Float32Array(9).fill(dim));
  const list = arena.words([7, 6, 5, 4, 3, 2, 1, 0, 8]);
  const numbers = arena.words([0, 1, 2]);
  const nearest = arena.words(3);
  const best = arena.bytes(ASSIGN_BEST_BYTES);
  arena.kernels.assign(
    ...([points.address, numbers.address, 3, dim, centroids.address, norms.address] as const),
    ...([list.address, 9, nearest.address, best.address] as const),
  );
  t.strictSame([...nearest.view], [7, 7, 7]);
});
