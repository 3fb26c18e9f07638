// Rows of int8 with a scale, compared with queries of int16: products of whole numbers, summed without rounding. Next to the
// query, where the rounding to int16 would tell, differences from the query as it came.

import { multiplyAdd, sumLanes } from './lanes';
import { NEAR, nearCosineDistance } from './near';
import { fourNumbers, numberAt } from './numbers';
import { BYTES_OFFSET, COSINE, INT8, L2 } from './rows';

/** Where the numbers of a quantized query begin: behind its step and its sum of squares. */
const NUMBERS_OFFSET: u32 = 16;
const NUMBER_MAX: f32 = 32767;
/** A query without a larger coordinate counts as zero. */
const SMALLEST: f32 = 1e-30;

export function quantizeQuery(query: usize, dim: u32, out: usize): void {
  let largest: f32 = 0;
  for (let i: u32 = 0; i < dim; i++) largest = max(largest, abs(load<f32>(query + (i << 2))));
  const factor: f32 = largest < SMALLEST ? 0 : NUMBER_MAX / largest;
  let squares: f64 = 0;
  const end = (dim + 15) & ~15;
  for (let i: u32 = 0; i < end; i++) {
    const number: f32 = i < dim ? nearest(load<f32>(query + (i << 2)) * factor) : 0;
    squares += <f64>number * <f64>number;
    store<i16>(out + NUMBERS_OFFSET + (i << 1), <i16>max<f32>(-NUMBER_MAX, min<f32>(NUMBER_MAX, number)));
  }
  store<f64>(out, factor == 0 ? 0 : 1 / <f64>factor);
  store<f64>(out, squares, 8);
  memory.copy(floatsOf(out, dim), query, dim << 2);
}

/** The query as it came: behind the numbers. */
@inline
function floatsOf(query: usize, dim: u32): usize {
  return query + NUMBERS_OFFSET + (((dim + 15) & ~15) << 1);
}

/**
 * Of the query as it was rounded, but for rows next to it; in float64, so that neighbours far from the origin keep their differences.
 * For cosine the rounded query's own norm counts.
 */
export function byteDistance(query: usize, row: usize, dim: u32, metric: u32): f32 {
  const product = <f64>dot(query + NUMBERS_OFFSET, row + BYTES_OFFSET, dim);
  const rowSquares = <f64>load<u32>(row, 4);
  const querySquares = load<f64>(query, 8);
  if (metric == COSINE) {
    const norms = sqrt(rowSquares * querySquares);
    if (norms == 0) return 2;
    const distance = <f32>(2 - (2 * product) / norms);
    if (distance >= NEAR) return distance;
    return nearCosineDistance(floatsOf(query, dim), row + BYTES_OFFSET, dim, INT8, 1 / sqrt(<f32>rowSquares));
  }
  const step = load<f64>(query);
  const scale = <f64>load<f32>(row);
  if (metric != L2) return <f32>(-step * scale * product);
  const rowNorm = scale * scale * rowSquares;
  const distance = step * step * querySquares + rowNorm - 2 * step * scale * product;
  return distance < NEAR * rowNorm ? nearSquaredDistance(floatsOf(query, dim), row, dim) : <f32>distance;
}

/** By the numbers as they are decoded, each rounded to float32: exactly 0 from a row that was given back. */
function nearSquaredDistance(query: usize, row: usize, dim: u32): f32 {
  const scale = load<f32>(row);
  const scales = f32x4.splat(scale);
  const bytes = row + BYTES_OFFSET;
  let a = f32x4.splat(0);
  let b = a;
  let i: u32 = 0;
  for (; i + 8 <= dim; i += 8) {
    const q = query + (i << 2);
    const first = f32x4.sub(v128.load(q), f32x4.mul(fourNumbers(bytes, i, INT8), scales));
    const second = f32x4.sub(v128.load(q, 16), f32x4.mul(fourNumbers(bytes, i + 4, INT8), scales));
    a = multiplyAdd(first, first, a);
    b = multiplyAdd(second, second, b);
  }
  let sum = sumLanes(f32x4.add(a, b));
  for (; i < dim; i++) {
    const difference = load<f32>(query + (i << 2)) - numberAt(bytes, i, INT8) * scale;
    sum += difference * difference;
  }
  return sum;
}

/**
 * A lane adds up 2 * dim / 16 products of at most 127 * 32767: at 4096 dimensions just below 2^31. Loads go on to a
 * multiple of 16, where the query has zeros.
 */
function dot(numbers: usize, bytes: usize, dim: u32): i64 {
  let a = i32x4.splat(0);
  let b = a;
  for (let i: u32 = 0; i < dim; i += 16) {
    const x = v128.load(bytes + i);
    const q = numbers + (i << 1);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load(q), i16x8.extend_low_i8x16_s(x)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load(q, 16), i16x8.extend_high_i8x16_s(x)));
  }
  const pairs = i64x2.add(
    i64x2.add(i64x2.extend_low_i32x4_s(a), i64x2.extend_high_i32x4_s(a)),
    i64x2.add(i64x2.extend_low_i32x4_s(b), i64x2.extend_high_i32x4_s(b)),
  );
  return i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1);
}

export function decodeBytes(row: usize, dim: u32, out: usize): void {
  const scale = load<f32>(row);
  const scales = f32x4.splat(scale);
  const bytes = row + BYTES_OFFSET;
  let i: u32 = 0;
  for (; i + 8 <= dim; i += 8) {
    const x = i16x8.extend_low_i8x16_s(v128.load64_zero(bytes + i));
    const to = out + (i << 2);
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(x)), scales));
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(x)), scales), 16);
  }
  for (; i < dim; i++) store<f32>(out + (i << 2), <f32>load<i8>(bytes + i) * scale);
}
