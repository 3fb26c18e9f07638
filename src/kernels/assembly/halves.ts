// Rows of float16 with a scale: distances and decoding.

import { multiplyAdd, sumLanes } from './lanes';
import { NEAR, nearCosineDistance } from './near';
import { floatOfHalfAt, floatsOfHighHalves, floatsOfLowHalves } from './numbers';
import { COSINE, FLOAT16, HALVES_OFFSET, L2 } from './rows';

export function halfDistance(query: usize, row: usize, dim: u32, metric: u32): f32 {
  const scale = load<f32>(row);
  const halves = row + HALVES_OFFSET;
  if (metric == L2) return squaredDistance(query, halves, dim, scale);
  if (metric == COSINE) return cosineDistance(query, halves, dim);
  return -product(query, halves, dim) * scale;
}

function squaredDistance(query: usize, halves: usize, dim: u32, scale: f32): f32 {
  const scales = f32x4.splat(scale);
  let a = f32x4.splat(0);
  let b = a;
  let i: u32 = 0;
  for (; i + 8 <= dim; i += 8) {
    const x = v128.load(halves + (i << 1));
    const q = query + (i << 2);
    const first = f32x4.sub(v128.load(q), f32x4.mul(floatsOfLowHalves(x), scales));
    const second = f32x4.sub(v128.load(q, 16), f32x4.mul(floatsOfHighHalves(x), scales));
    a = multiplyAdd(first, first, a);
    b = multiplyAdd(second, second, b);
  }
  let sum = sumLanes(f32x4.add(a, b));
  for (; i < dim; i++) {
    const difference = load<f32>(query + (i << 2)) - floatOfHalfAt(halves + (i << 1)) * scale;
    sum += difference * difference;
  }
  return sum;
}

function product(query: usize, halves: usize, dim: u32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let i: u32 = 0;
  for (; i + 8 <= dim; i += 8) {
    const x = v128.load(halves + (i << 1));
    const q = query + (i << 2);
    a = multiplyAdd(v128.load(q), floatsOfLowHalves(x), a);
    b = multiplyAdd(v128.load(q, 16), floatsOfHighHalves(x), b);
  }
  let sum = sumLanes(f32x4.add(a, b));
  for (; i < dim; i++) sum += load<f32>(query + (i << 2)) * floatOfHalfAt(halves + (i << 1));
  return sum;
}

/** As for float32: 2 - 2cos for a query of unit norm, 2 for a row of zeros. The scale falls out. */
function cosineDistance(query: usize, halves: usize, dim: u32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let normA = a;
  let normB = a;
  let i: u32 = 0;
  for (; i + 8 <= dim; i += 8) {
    const x = v128.load(halves + (i << 1));
    const q = query + (i << 2);
    const low = floatsOfLowHalves(x);
    const high = floatsOfHighHalves(x);
    a = multiplyAdd(v128.load(q), low, a);
    b = multiplyAdd(v128.load(q, 16), high, b);
    normA = multiplyAdd(low, low, normA);
    normB = multiplyAdd(high, high, normB);
  }
  let sum = sumLanes(f32x4.add(a, b));
  let norm = sumLanes(f32x4.add(normA, normB));
  for (; i < dim; i++) {
    const x = floatOfHalfAt(halves + (i << 1));
    sum += load<f32>(query + (i << 2)) * x;
    norm += x * x;
  }
  if (norm == 0) return 2;
  const length = sqrt(norm);
  const distance: f32 = 2 - (2 * sum) / length;
  return distance < NEAR ? nearCosineDistance(query, halves, dim, FLOAT16, 1 / length) : distance;
}

export function decodeHalves(row: usize, dim: u32, out: usize): void {
  const scale = load<f32>(row);
  const halves = row + HALVES_OFFSET;
  let i: u32 = 0;
  for (; i + 8 <= dim; i += 8) {
    const x = v128.load(halves + (i << 1));
    const to = out + (i << 2);
    v128.store(to, f32x4.mul(floatsOfLowHalves(x), f32x4.splat(scale)));
    v128.store(to, f32x4.mul(floatsOfHighHalves(x), f32x4.splat(scale)), 16);
  }
  for (; i < dim; i++) store<f32>(out + (i << 2), floatOfHalfAt(halves + (i << 1)) * scale);
}
