// Whole-vector arithmetic for clustering and encoding. `dim` is a multiple of 8.

import { multiplyAdd, sumLanes } from './lanes';

export function squaredNorm(vector: usize, dim: u32): f32 {
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  for (let i: u32 = 0; i < dim; i += 8) {
    const at = vector + (i << 2);
    const a = v128.load(at);
    const b = v128.load(at, 16);
    even = multiplyAdd(a, a, even);
    odd = multiplyAdd(b, b, odd);
  }
  return sumLanes(f32x4.add(even, odd));
}

export function scaleVector(vector: usize, dim: u32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (let i: u32 = 0; i < dim; i += 4) {
    const at = vector + (i << 2);
    v128.store(at, f32x4.mul(v128.load(at), factors));
  }
}

export function normalize(vector: usize, dim: u32): void {
  const square = squaredNorm(vector, dim);
  if (square > 1e-30 && square < 1e30) scaleVector(vector, dim, 1 / sqrt(square));
  else normalizeExtreme(vector, dim);
}

/** In two steps by the largest magnitude, so that neither tiny nor huge vectors under- or overflow when squared. */
function normalizeExtreme(vector: usize, dim: u32): void {
  let largest = f32x4.splat(0);
  for (let i: u32 = 0; i < dim; i += 4) {
    largest = f32x4.max(largest, f32x4.abs(v128.load(vector + (i << 2))));
  }
  const magnitude = max(
    max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  );
  if (magnitude == 0) return;
  const divisors = f32x4.splat(magnitude);
  for (let i: u32 = 0; i < dim; i += 4) {
    const at = vector + (i << 2);
    v128.store(at, f32x4.div(v128.load(at), divisors));
  }
  scaleVector(vector, dim, 1 / sqrt(squaredNorm(vector, dim)));
}

/** vector += other */
export function addVector(vector: usize, other: usize, dim: u32): void {
  addTo(vector, other, dim << 2);
}

export function subtract(a: usize, b: usize, out: usize, dim: u32): void {
  for (let i: u32 = 0; i < dim; i += 4) {
    const at = i << 2;
    v128.store(out + at, f32x4.sub(v128.load(a + at), v128.load(b + at)));
  }
}

export function sumListed(matrix: usize, list: usize, count: u32, dim: u32, sum: usize): void {
  const stride = dim << 2;
  memory.fill(sum, 0, stride);
  for (let i: u32 = 0; i < count; i++) addTo(sum, matrix + load<u32>(list + (i << 2)) * stride, stride);
}

export function accumulate(points: usize, count: u32, dim: u32, nearest: usize, sums: usize, counts: usize): void {
  const stride = dim << 2;
  for (let i: u32 = 0; i < count; i++) {
    const centroid = load<u32>(nearest + (i << 2));
    const counter = counts + (centroid << 2);
    store<u32>(counter, load<u32>(counter) + 1);
    addTo(sums + centroid * stride, points + i * stride, stride);
  }
}

@inline
function addTo(sum: usize, vector: usize, bytes: u32): void {
  for (let at: u32 = 0; at < bytes; at += 32) {
    v128.store(sum + at, f32x4.add(v128.load(sum + at), v128.load(vector + at)));
    v128.store(sum + at, f32x4.add(v128.load(sum + at, 16), v128.load(vector + at, 16)), 16);
  }
}
