// Rows of float16 with a scale: distances and decoding, by integer arithmetic, as SIMD has no float16.

import { multiplyAdd, sumLanes } from './lanes';
import { COSINE, HALVES_OFFSET, L2 } from './rows';

/** What is missing to the exponent when the bits of a float16 stand where those of a float32 do. */
const BIAS: f32 = reinterpret<f32>((127 + 112) << 23);

/** The first four of eight float16. Sign-extended and shifted up, bits 28-30 are copies of the sign. */
@inline
function floatsOfLowHalves(halves: v128): v128 {
  const shifted = i32x4.shl(i32x4.extend_low_i16x8_s(halves), 13);
  return f32x4.mul(v128.and(shifted, i32x4.splat(<i32>0x8fffe000)), f32x4.splat(BIAS));
}

/** The last four. */
@inline
function floatsOfHighHalves(halves: v128): v128 {
  const shifted = i32x4.shl(i32x4.extend_high_i16x8_s(halves), 13);
  return f32x4.mul(v128.and(shifted, i32x4.splat(<i32>0x8fffe000)), f32x4.splat(BIAS));
}

@inline
function floatOfHalfAt(address: usize): f32 {
  return reinterpret<f32>((<u32>load<i16>(address) << 13) & 0x8fffe000) * BIAS;
}

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
  return norm == 0 ? 2 : 2 - (2 * sum) / sqrt(norm);
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
