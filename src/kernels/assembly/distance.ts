// Exact distances of one query to rows of full vectors, any dimension; here those of float32. One row is always summed in the same order,
// so its distance is the same bits wherever it stands.

import { byteDistance, decodeBytes } from './bytes';
import { decodeHalves, halfDistance } from './halves';
import { multiplyAdd, sumLanes } from './lanes';
import { isDead } from './leaf';
import { NEAR, nearCosineDistance } from './near';
import { COSINE, FLOAT16, FLOAT32, INT8, L2, rowBytes } from './rows';
import { push } from './select';

export function distances(query: usize, rows: usize, count: u32, dim: u32, metric: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    store<f32>(out + (i << 2), distance(query, rows + i * (dim << 2), dim, metric));
  }
}

export function pushExact(
  query: usize,
  rows: usize,
  count: u32,
  dim: u32,
  metric: u32,
  precision: u32,
  firstPosition: u32,
  tombstones: usize,
  firstBit: u32,
  buffer: usize,
): void {
  const stride = rowBytes(dim, precision);
  for (let i: u32 = 0; i < count; i++) {
    if (isDead(tombstones, firstBit + i)) continue;
    const exact = rowDistance(query, rows + i * stride, dim, metric, precision);
    push(buffer, exact, firstPosition + i, 0, 0);
  }
}

export function pushRows(
  query: usize,
  rows: usize,
  positions: usize,
  count: u32,
  dim: u32,
  metric: u32,
  precision: u32,
  buffer: usize,
): void {
  const stride = rowBytes(dim, precision);
  for (let i: u32 = 0; i < count; i++) {
    const exact = rowDistance(query, rows + i * stride, dim, metric, precision);
    push(buffer, exact, load<u32>(positions + (i << 2)), 0, 0);
  }
}

export function decodeRow(row: usize, dim: u32, precision: u32, out: usize): void {
  if (precision == FLOAT16) decodeHalves(row, dim, out);
  else if (precision == INT8) decodeBytes(row, dim, out);
  else memory.copy(out, row, dim << 2);
}

function rowDistance(query: usize, row: usize, dim: u32, metric: u32, precision: u32): f32 {
  if (precision == FLOAT16) return halfDistance(query, row, dim, metric);
  if (precision == INT8) return byteDistance(query, row, dim, metric);
  return distance(query, row, dim, metric);
}

export function pushListed(
  query: usize,
  matrix: usize,
  list: usize,
  count: u32,
  dim: u32,
  metric: u32,
  buffer: usize,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const number = load<u32>(list + (i << 2));
    push(buffer, distance(query, matrix + number * (dim << 2), dim, metric), number, 0, 0);
  }
}

export function distance(query: usize, row: usize, dim: u32, metric: u32): f32 {
  if (metric == L2) return squaredDistance(query, row, dim);
  if (metric == COSINE) return cosineDistance(query, row, dim);
  return -product(query, row, dim);
}

function squaredDistance(query: usize, row: usize, dim: u32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let i: u32 = 0;
  for (; i + 16 <= dim; i += 16) {
    const q = query + (i << 2);
    const x = row + (i << 2);
    const first = f32x4.sub(v128.load(q), v128.load(x));
    const second = f32x4.sub(v128.load(q, 16), v128.load(x, 16));
    const third = f32x4.sub(v128.load(q, 32), v128.load(x, 32));
    const fourth = f32x4.sub(v128.load(q, 48), v128.load(x, 48));
    a = multiplyAdd(first, first, a);
    b = multiplyAdd(second, second, b);
    c = multiplyAdd(third, third, c);
    d = multiplyAdd(fourth, fourth, d);
  }
  for (; i + 4 <= dim; i += 4) {
    const first = f32x4.sub(v128.load(query + (i << 2)), v128.load(row + (i << 2)));
    a = multiplyAdd(first, first, a);
  }
  let sum = sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  for (; i < dim; i++) {
    const difference = load<f32>(query + (i << 2)) - load<f32>(row + (i << 2));
    sum += difference * difference;
  }
  return sum;
}

function product(query: usize, row: usize, dim: u32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let i: u32 = 0;
  for (; i + 16 <= dim; i += 16) {
    const q = query + (i << 2);
    const x = row + (i << 2);
    a = multiplyAdd(v128.load(q), v128.load(x), a);
    b = multiplyAdd(v128.load(q, 16), v128.load(x, 16), b);
    c = multiplyAdd(v128.load(q, 32), v128.load(x, 32), c);
    d = multiplyAdd(v128.load(q, 48), v128.load(x, 48), d);
  }
  for (; i + 4 <= dim; i += 4) a = multiplyAdd(v128.load(query + (i << 2)), v128.load(row + (i << 2)), a);
  let sum = sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  for (; i < dim; i++) sum += load<f32>(query + (i << 2)) * load<f32>(row + (i << 2));
  return sum;
}

/** 2 - 2cos for a query of unit norm; a zero row is at 2, as far as an orthogonal one. */
function cosineDistance(query: usize, row: usize, dim: u32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let normA = a;
  let normB = a;
  let i: u32 = 0;
  for (; i + 8 <= dim; i += 8) {
    const x = v128.load(row + (i << 2));
    const y = v128.load(row + (i << 2), 16);
    a = multiplyAdd(v128.load(query + (i << 2)), x, a);
    b = multiplyAdd(v128.load(query + (i << 2), 16), y, b);
    normA = multiplyAdd(x, x, normA);
    normB = multiplyAdd(y, y, normB);
  }
  let sum = sumLanes(f32x4.add(a, b));
  let norm = sumLanes(f32x4.add(normA, normB));
  for (; i < dim; i++) {
    const x = load<f32>(row + (i << 2));
    sum += load<f32>(query + (i << 2)) * x;
    norm += x * x;
  }
  if (norm == 0) return 2;
  const length = sqrt(norm);
  const distance: f32 = 2 - (2 * sum) / length;
  return distance < NEAR ? nearCosineDistance(query, row, dim, FLOAT32, 1 / length) : distance;
}
