// Rotation and whole-vector arithmetic against the references.

import t from 'tap';
import { Arena, gaussian, random, signWordsOf } from './arena.js';
import * as reference from './reference.js';

const DIMENSIONS = [8, 16, 24, 40, 64, 104, 128, 200, 256, 384, 768, 1000, 1024, 1536, 4096];

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs((actual[i] as number) - (expected[i] as number)));
  }
  return largest;
}

t.test('rotation equals the reference and keeps norms and products', async (t) => {
  for (const dim of DIMENSIONS) {
    const arena = new Arena();
    const next = random(dim);
    const signs = arena.words(signWordsOf(next, dim));
    const a = gaussian(next, dim);
    const b = gaussian(next, dim);
    const rotatedA = arena.floats(a);
    const rotatedB = arena.floats(b);
    arena.kernels.rotate(rotatedA.address, dim, signs.address);
    arena.kernels.rotate(rotatedB.address, dim, signs.address);
    const difference = largestDifference(rotatedA.view, reference.rotate(a, signs.view));
    t.ok(difference < 1e-5, `${dim} dimensions: ${difference}`);
    const norm = reference.dot(a, a);
    t.ok(Math.abs(reference.dot(rotatedA.view, rotatedA.view) / norm - 1) < 1e-5, 'norm');
    t.ok(
      Math.abs(reference.dot(rotatedA.view, rotatedB.view) - reference.dot(a, b)) < 1e-5 * norm,
      'product',
    );
  }
});

t.test('rotation spreads a single coordinate over all of them', async (t) => {
  for (const dim of [104, 768]) {
    const arena = new Arena();
    const signs = arena.words(signWordsOf(random(9), dim));
    const vector = arena.floats(dim);
    vector.view[3] = 1;
    arena.kernels.rotate(vector.address, dim, signs.address);
    const largest = Math.max(...Array.from(vector.view, Math.abs));
    t.ok(largest < 6 / Math.sqrt(dim), `${dim} dimensions: ${largest}`);
  }
});

t.test('norm, scale, subtraction', async (t) => {
  for (const dim of DIMENSIONS) {
    const arena = new Arena();
    const a = arena.floats(gaussian(random(dim), dim));
    const b = arena.floats(gaussian(random(dim + 1), dim));
    const out = arena.floats(dim);
    const norm = reference.dot(a.view, a.view);
    t.ok(Math.abs(arena.kernels.squaredNorm(a.address, dim) / norm - 1) < 1e-5);
    arena.kernels.subtract(a.address, b.address, out.address, dim);
    t.ok(out.view.every((value, i) => value === Math.fround((a.view[i] as number) - (b.view[i] as number))));
    const before = a.view.slice();
    arena.kernels.scaleVector(a.address, dim, 0.5);
    t.ok(a.view.every((value, i) => value === (before[i] as number) / 2));
  }
});

t.test('normalizing gives unit norm at any magnitude, and leaves zero alone', async (t) => {
  for (const magnitude of [1e-38, 1e-25, 1, 1e25, 1e38]) {
    const arena = new Arena();
    const vector = arena.floats(gaussian(random(5), 104).map((value) => value * 0.3 * magnitude));
    arena.kernels.normalize(vector.address, 104);
    t.ok(Math.abs(reference.dot(vector.view, vector.view) - 1) < 1e-5, `magnitude ${magnitude}`);
  }
  const arena = new Arena();
  const zero = arena.floats(104);
  arena.kernels.normalize(zero.address, 104);
  t.ok(zero.view.every((value) => value === 0));
});

t.test('the sum of listed rows counts a row as often as it is listed', (t) => {
  const dim = 40;
  const arena = new Arena();
  const matrix = arena.floats(gaussian(random(2), 50 * dim));
  const list = arena.words([49, 0, 7, 7, 31]);
  const sum = arena.floats(gaussian(random(3), dim));
  arena.kernels.sumListed(matrix.address, list.address, list.view.length, dim, sum.address);
  const expected = Array.from({ length: dim }, (_, j) =>
    list.view.reduce((total, row) => total + (matrix.view[row * dim + j] as number), 0),
  );
  t.ok(largestDifference(sum.view, expected) < 1e-5);
  t.end();
});

t.test('accumulation adds each point to the sum of its centroid', async (t) => {
  const dim = 40;
  const arena = new Arena();
  const points = arena.floats(gaussian(random(1), 50 * dim));
  const nearest = arena.words(Uint32Array.from({ length: 50 }, (_, i) => (i * 7) % 3));
  const sums = arena.floats(3 * dim);
  const counts = arena.words(3);
  arena.kernels.accumulate(points.address, 50, dim, nearest.address, sums.address, counts.address);
  const expected = new Array<number>(3 * dim).fill(0);
  for (let i = 0; i < 50; i++) {
    const start = (nearest.view[i] as number) * dim;
    for (let j = 0; j < dim; j++)
      expected[start + j] = (expected[start + j] as number) + (points.view[i * dim + j] as number);
  }
  t.strictSame([...counts.view], [17, 17, 16]);
  t.ok(largestDifference(sums.view, expected) < 1e-5);
});
