// Lower bounds of estimates: what may still be nearer than a distance, and what is not. Source: RaBitQ (SIGMOD 2024, 3.2).

import {
  codeBias,
  estimateHigh,
  estimateLow,
  sumBlock,
  sums0,
  sums1,
  sums2,
  sums3,
  sums4,
  sums5,
  sums6,
  sums7,
} from './estimate';
import { addFactor, BLOCK_FACTOR_BYTES, ERROR_WIDTH, errorFactor, FACTOR_KIND_BYTES, rescaleFactor } from './factors';
import { floatsOfHigh, floatsOfLow, lanesOf, multiplyAdd } from './lanes';
import {
  LEAF_BYTES,
  leafBlocks,
  leafConstant,
  leafCount,
  leafDeadLanes,
  leafErrorScale,
  markDeadLanes,
} from './leaf';
import { DOT } from './rows';
import { candidateAt, candidateCount, errorScaleOf, estimateOf, factorsOf, setBound } from './select';

/** What rounding to bfloat16 may change, relative to a factor: uniform within 2^-9, as wide as the error bound. */
const FACTOR_WIDTH: f32 = ERROR_WIDTH * 0.0011;

export function excludeBeyond(
  tables: usize,
  tableOut: usize,
  dim: u32,
  bits: u32,
  metric: u32,
  leaves: usize,
  leafTotal: u32,
  boundMax: f32,
): void {
  const groups = dim >> 2;
  const codeBytes = (groups << 4) * bits;
  const scales = f32x4.splat(load<f32>(tableOut));
  const biases = f32x4.splat(codeBias(tableOut, bits));
  tableDeviations = f32x4.splat(tableDeviation(tableOut, dim, bits));
  factorVariances = f32x4.splat(metric == DOT ? 0 : FACTOR_WIDTH * FACTOR_WIDTH);
  boundsMax = f32x4.splat(boundMax);
  for (let l: u32 = 0; l < leafTotal; l++) {
    const leaf = leaves + l * LEAF_BYTES;
    const count = leafCount(leaf);
    const constants = f32x4.splat(leafConstant(leaf));
    errorScales = f32x4.splat(leafErrorScale(leaf));
    let block = leafBlocks(leaf);
    for (let first: u32 = 0; first < count; first += 32) {
      const inLeaf: u32 = first + 32 > count ? (1 << (count - first)) - 1 : 0xffffffff;
      if ((inLeaf & ~leafDeadLanes(leaf, first)) != 0) {
        sumBlock(tables, block, groups, bits);
        const factors = block + codeBytes;
        const low = lanesOf(
          beyondLow(estimateLow(sums0, factors, scales, biases, constants), factors),
          beyondHigh(estimateHigh(sums1, factors, scales, biases, constants), factors),
          beyondLow(estimateLow(sums2, factors + 16, scales, biases, constants), factors + 16),
          beyondHigh(estimateHigh(sums3, factors + 16, scales, biases, constants), factors + 16),
        );
        const high = lanesOf(
          beyondLow(estimateLow(sums4, factors + 32, scales, biases, constants), factors + 32),
          beyondHigh(estimateHigh(sums5, factors + 32, scales, biases, constants), factors + 32),
          beyondLow(estimateLow(sums6, factors + 48, scales, biases, constants), factors + 48),
          beyondHigh(estimateHigh(sums7, factors + 48, scales, biases, constants), factors + 48),
        );
        markDeadLanes(leaf, first, (low | (high << 16)) & inLeaf);
      }
      block += codeBytes + BLOCK_FACTOR_BYTES;
    }
  }
}

// What `beyond` compares with, for one leaf: globals as the sums are.
let tableDeviations = f32x4(0, 0, 0, 0);
let factorVariances = f32x4(0, 0, 0, 0);
let errorScales = f32x4(0, 0, 0, 0);
let boundsMax = f32x4(0, 0, 0, 0);

@inline
function beyondLow(estimates: v128, factors: usize): v128 {
  const rescale = floatsOfLow(v128.load(factors, FACTOR_KIND_BYTES));
  const error = floatsOfLow(v128.load(factors, 2 * FACTOR_KIND_BYTES));
  return beyond(estimates, floatsOfLow(v128.load(factors)), rescale, error);
}

@inline
function beyondHigh(estimates: v128, factors: usize): v128 {
  const rescale = floatsOfHigh(v128.load(factors, FACTOR_KIND_BYTES));
  const error = floatsOfHigh(v128.load(factors, 2 * FACTOR_KIND_BYTES));
  return beyond(estimates, floatsOfHigh(v128.load(factors)), rescale, error);
}

/** Whose lower bound, as of `boundCandidates`, is above the limit: without its square root. */
@inline
function beyond(estimates: v128, add: v128, rescale: v128, error: v128): v128 {
  const codeError = f32x4.mul(error, errorScales);
  const tableError = f32x4.mul(rescale, tableDeviations);
  const product = f32x4.sub(f32x4.sub(estimates, add), f32x4.mul(errorScales, errorScales));
  const rounded = multiplyAdd(add, add, f32x4.mul(product, product));
  const squared = multiplyAdd(codeError, codeError, f32x4.mul(tableError, tableError));
  const gap = f32x4.sub(estimates, boundsMax);
  const isAbove = f32x4.gt(f32x4.mul(gap, gap), multiplyAdd(factorVariances, rounded, squared));
  return v128.and(f32x4.gt(gap, f32x4.splat(0)), isAbove);
}

/**
 * Rounding each of the table entries adds an error of its own, uniform and independent: groups / 12 steps squared a
 * plane, planes weigh 1, 2, 4, 8.
 */
@inline
function tableDeviation(tableOut: usize, dim: u32, bits: u32): f32 {
  const planes = <f32>(((1 << (2 * bits)) - 1) / 3);
  return ERROR_WIDTH * load<f32>(tableOut) * sqrt((planes * <f32>(dim >> 2)) / 12);
}

export function boundCandidates(buffer: usize, tableOut: usize, dim: u32, bits: u32, metric: u32): void {
  const ofTables = tableDeviation(tableOut, dim, bits);
  const count = candidateCount(buffer);
  for (let i: u32 = 0; i < count; i++) {
    const candidate = candidateAt(buffer, i);
    const factors = factorsOf(candidate);
    const estimate = estimateOf(candidate);
    const errorScale = errorScaleOf(candidate);
    const codeError = errorFactor(factors) * errorScale;
    const tableError = rescaleFactor(factors) * ofTables;
    let squared = codeError * codeError + tableError * tableError;
    if (metric != DOT) {
      const add = addFactor(factors);
      const product = estimate - add - errorScale * errorScale;
      squared += FACTOR_WIDTH * FACTOR_WIDTH * (add * add + product * product);
    }
    setBound(candidate, estimate - sqrt(squared));
  }
}
