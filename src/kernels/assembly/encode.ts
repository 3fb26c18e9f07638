// RaBitQ codes and factors of one rotated residual. Sources: RaBitQ (SIGMOD 2024, arXiv 2405.12497, 3.1-3.2) for one
// bit, Extended RaBitQ (SIGMOD 2025, arXiv 2409.09913, 3) for more.

import { DOT } from './rows';
import { ERROR_WIDTH, storeFactors } from './factors';
import { multiplyAdd, sumLanes } from './lanes';

/**
 * Writes code and factors of one lane. u_i is the code value of dimension i, xbar_i = u_i - K with
 * K = (2^bits - 1) / 2. `usedDim` is the number of dimensions that carried data before padding: the degrees of freedom
 * of the error. For l2 and cosine tables hold the query, not its difference to the centroid, which the add factor makes
 * up for. For dot -<r, q> is estimated: what it loses does not depend on where the centroid lies.
 */
export function encode(
  residual: usize,
  centroid: usize,
  dim: u32,
  usedDim: u32,
  bits: u32,
  metric: u32,
  block: usize,
  lane: u32,
): void {
  let square = f32x4.splat(0);
  let magnitude = f32x4.splat(0);
  for (let at: u32 = 0; at < dim << 2; at += 16) {
    const r = v128.load(residual + at);
    square = multiplyAdd(r, r, square);
    magnitude = f32x4.add(magnitude, f32x4.abs(r));
  }
  const squared = sumLanes(square);
  const mean = sumLanes(magnitude) / <f32>dim;
  const factor: f32 = bits > 1 && mean > 0 ? bestFactor(residual, dim, bits, mean) : 0;
  writeCode(residual, centroid, dim, bits, factor, block, lane);
  writeFactors(squared, usedDim, metric, block + (dim << 2) * bits + (lane << 1));
}

// What `writeCode` and `measure` sum up on their way, in WebAssembly globals as a function returns but one value.
let residualProduct: f32 = 0;
let centroidProduct: f32 = 0;
let codeSquare: f32 = 0;

function writeFactors(squared: f32, usedDim: u32, metric: u32, factors: usize): void {
  let add: f32 = 0;
  let rescale: f32 = 0;
  let error: f32 = 0;
  if (residualProduct > 0 && squared > 0) {
    const stretch = squared / residualProduct;
    const spread = max<f32>(0, (stretch * codeSquare) / residualProduct - 1) / <f32>max<u32>(1, usedDim - 1);
    const width = ERROR_WIDTH * sqrt(squared) * sqrt(spread);
    if (metric == DOT) {
      rescale = -stretch;
      error = width;
    } else {
      add = squared + 2 * stretch * centroidProduct;
      rescale = -2 * stretch;
      error = 2 * width;
    }
  }
  storeFactors(factors, add, rescale, error);
}

/**
 * The factor from residual to code steps that maximises the cosine of residual and code. For Gaussian residuals it
 * lies near 0.8 (2 bits) or 2.3 (4 bits) over the mean magnitude; a coarse grid finds the region of any other, three
 * halvings of its ratio the place.
 */
function bestFactor(residual: usize, dim: u32, bits: u32, mean: f32): f32 {
  let factor: f32 = (bits == 2 ? 0.8 : 2.4) / mean;
  let best = measure(residual, dim, bits, factor);
  let ratio: f32 = 1.3;
  const start = factor;
  for (let i = 0; i < 6; i++) {
    const candidate: f32 = start * (i == 0 ? 0.34 : i == 1 ? 0.45 : i == 2 ? 0.59 : i == 3 ? 0.77 : i == 4 ? 1.3 : 1.7);
    const cosine = measure(residual, dim, bits, candidate);
    if (cosine > best) {
      best = cosine;
      factor = candidate;
    }
  }
  for (let i = 0; i < 3; i++) {
    ratio = sqrt(ratio);
    const smaller = factor / ratio;
    const larger = factor * ratio;
    const cosineSmaller = measure(residual, dim, bits, smaller);
    const cosineLarger = measure(residual, dim, bits, larger);
    if (cosineSmaller > best && cosineSmaller >= cosineLarger) {
      best = cosineSmaller;
      factor = smaller;
    } else if (cosineLarger > best) {
      best = cosineLarger;
      factor = larger;
    }
  }
  return factor;
}

/** <r, xbar> / |xbar| at a factor. */
function measure(residual: usize, dim: u32, bits: u32, factor: f32): f32 {
  const factors = f32x4.splat(factor);
  const top = f32x4.splat(<f32>((1 << (bits - 1)) - 1));
  const half = f32x4.splat(0.5);
  let product = f32x4.splat(0);
  let square = f32x4.splat(0);
  for (let at: u32 = 0; at < dim << 2; at += 16) {
    const r = f32x4.abs(v128.load(residual + at));
    const level = f32x4.add(f32x4.pmin(f32x4.floor(f32x4.mul(r, factors)), top), half);
    product = multiplyAdd(r, level, product);
    square = multiplyAdd(level, level, square);
  }
  return sumLanes(product) / sqrt(sumLanes(square));
}

/** Writes the code bits of a lane and sums the products of the code. */
function writeCode(
  residual: usize,
  centroid: usize,
  dim: u32,
  bits: u32,
  factor: f32,
  block: usize,
  lane: u32,
): void {
  const factors = f32x4.splat(factor);
  const top = f32x4.splat(<f32>((1 << (bits - 1)) - 1));
  const half = f32x4.splat(0.5);
  const zero = f32x4.splat(0);
  const offset = f32x4.splat(<f32>((1 << bits) - 1) * 0.5);
  const planeBytes = dim << 2;
  const inner = lane & 15;
  const column = block + (inner < 8 ? inner << 1 : ((inner - 8) << 1) + 1);
  const shift = (lane >> 4) << 2;
  const others: u32 = 0xf0 >> shift;
  let product = zero;
  let along = zero;
  let square = zero;
  for (let at: u32 = 0; at < planeBytes; at += 16) {
    const r = v128.load(residual + at);
    const level = f32x4.add(f32x4.pmin(f32x4.floor(f32x4.mul(f32x4.abs(r), factors)), top), half);
    const signed = v128.bitselect(level, f32x4.neg(level), f32x4.gt(r, zero));
    product = multiplyAdd(r, signed, product);
    along = multiplyAdd(v128.load(centroid + at), signed, along);
    square = multiplyAdd(level, level, square);
    const values = i32x4.trunc_sat_f32x4_s(f32x4.add(signed, offset));
    for (let plane: u32 = 0; plane < bits; plane++) {
      const code = <u32>i32x4.bitmask(i32x4.shl(values, 32 - bits + plane));
      const byte = column + plane * planeBytes + at;
      store<u8>(byte, <u8>((load<u8>(byte) & others) | (code << shift)));
    }
  }
  residualProduct = sumLanes(product);
  centroidProduct = sumLanes(along);
  codeSquare = sumLanes(square);
}
