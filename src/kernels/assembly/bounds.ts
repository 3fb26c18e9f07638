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
  leafConstants,
  leafCount,
  leafErrorScale,
  leafErrorScales,
  leafFirstPosition,
  leafLiveLanes,
  leafMayHaveDead,
  leafNumbers,
} from './leaf';
import { constantsOf, reachedLanes } from './own-leaves';
import { DOT } from './rows';
import {
  candidateAt,
  candidateCount,
  dropFrom,
  errorScaleOf,
  estimateOf,
  factorsOf,
  partition,
  setBound,
  threshold,
} from './select';

/** What rounding to bfloat16 may change, relative to a factor: uniform within 2^-9, as wide as the error bound. */
const FACTOR_WIDTH: f32 = ERROR_WIDTH * 0.0011;

/** The mean error bound is taken over so many candidates: some of the k best, or the k best and others where k is smaller. */
const BOUNDS_LOOKED_AT: u32 = 16;

export function listWithin(
  tables: usize,
  tableOut: usize,
  dim: u32,
  bits: u32,
  metric: u32,
  widths: f32,
  leaves: usize,
  leafTotal: u32,
  boundMax: f32,
  out: usize,
): u32 {
  const groups = dim >> 2;
  const codeBytes = (groups << 4) * bits;
  scales = f32x4.splat(load<f32>(tableOut));
  biases = f32x4.splat(codeBias(tableOut, bits));
  boundWidths = f32x4.splat(widths);
  tableDeviations = f32x4.splat(widths * tableDeviation(tableOut, dim, bits));
  factorVariances = f32x4.splat(metric == DOT ? 0 : widths * widths * FACTOR_WIDTH * FACTOR_WIDTH);
  boundsMax = f32x4.splat(boundMax);
  let listed: u32 = 0;
  for (let l: u32 = 0; l < leafTotal; l++) {
    const leaf = leaves + l * LEAF_BYTES;
    const count = leafCount(leaf);
    const numbers = leafNumbers(leaf);
    const mayHaveDead = leafMayHaveDead(leaf);
    const constants = leafConstants(leaf);
    const errors = leafErrorScales(leaf);
    const constant = f32x4.splat(leafConstant(leaf));
    const error = f32x4.splat(leafErrorScale(leaf));
    let block = leafBlocks(leaf);
    for (let first: u32 = 0; first < count; first += 32) {
      const own = numbers + (first << 2);
      let lanes = leafLiveLanes(leaf, first, mayHaveDead);
      if (numbers != 0) lanes &= reachedLanes(own, constants);
      if (lanes != 0) {
        sumBlock(tables, block, groups, bits);
        const factors = block + codeBytes;
        if (numbers == 0) lanes &= ~beyondLanes(factors, constant, error);
        else lanes &= ~beyondOwnLanes(factors, own, constants, errors);
        const position = leafFirstPosition(leaf) + first;
        for (; lanes != 0; lanes &= lanes - 1) {
          store<u32>(out + (listed << 2), position + <u32>ctz(lanes));
          listed++;
        }
      }
      block += codeBytes + BLOCK_FACTOR_BYTES;
    }
  }
  return listed;
}

/** Bit i is set if the lower bound of the i-th of the 32 vectors just summed up is above the limit. */
function beyondLanes(factors: usize, constants: v128, errors: v128): u32 {
  const low = lanesOf(
    beyondLow(sums0, factors, constants, errors),
    beyondHigh(sums1, factors, constants, errors),
    beyondLow(sums2, factors + 16, constants, errors),
    beyondHigh(sums3, factors + 16, constants, errors),
  );
  const high = lanesOf(
    beyondLow(sums4, factors + 32, constants, errors),
    beyondHigh(sums5, factors + 32, constants, errors),
    beyondLow(sums6, factors + 48, constants, errors),
    beyondHigh(sums7, factors + 48, constants, errors),
  );
  return low | (high << 16);
}

/** The same where each vector has a leaf of its own. */
function beyondOwnLanes(factors: usize, own: usize, c: usize, e: usize): u32 {
  const low = lanesOf(
    beyondLow(sums0, factors, constantsOf(own, c), constantsOf(own, e)),
    beyondHigh(sums1, factors, constantsOf(own + 16, c), constantsOf(own + 16, e)),
    beyondLow(sums2, factors + 16, constantsOf(own + 32, c), constantsOf(own + 32, e)),
    beyondHigh(sums3, factors + 16, constantsOf(own + 48, c), constantsOf(own + 48, e)),
  );
  const high = lanesOf(
    beyondLow(sums4, factors + 32, constantsOf(own + 64, c), constantsOf(own + 64, e)),
    beyondHigh(sums5, factors + 32, constantsOf(own + 80, c), constantsOf(own + 80, e)),
    beyondLow(sums6, factors + 48, constantsOf(own + 96, c), constantsOf(own + 96, e)),
    beyondHigh(sums7, factors + 48, constantsOf(own + 112, c), constantsOf(own + 112, e)),
  );
  return low | (high << 16);
}

// What holds for a whole call: globals as the sums are.
let scales = f32x4(0, 0, 0, 0);
let biases = f32x4(0, 0, 0, 0);
let boundWidths = f32x4(0, 0, 0, 0);
let tableDeviations = f32x4(0, 0, 0, 0);
let factorVariances = f32x4(0, 0, 0, 0);
let boundsMax = f32x4(0, 0, 0, 0);

@inline
function beyondLow(sums: v128, factors: usize, constants: v128, errorScales: v128): v128 {
  const rescale = floatsOfLow(v128.load(factors, FACTOR_KIND_BYTES));
  const error = floatsOfLow(v128.load(factors, 2 * FACTOR_KIND_BYTES));
  const estimates = estimateLow(sums, factors, scales, biases, constants);
  return beyond(estimates, floatsOfLow(v128.load(factors)), rescale, error, errorScales);
}

@inline
function beyondHigh(sums: v128, factors: usize, constants: v128, errorScales: v128): v128 {
  const rescale = floatsOfHigh(v128.load(factors, FACTOR_KIND_BYTES));
  const error = floatsOfHigh(v128.load(factors, 2 * FACTOR_KIND_BYTES));
  const estimates = estimateHigh(sums, factors, scales, biases, constants);
  return beyond(estimates, floatsOfHigh(v128.load(factors)), rescale, error, errorScales);
}

/** Whose lower bound, as of `boundCandidates` and some widths wide, is above the limit: without its square root. */
@inline
function beyond(estimates: v128, add: v128, rescale: v128, error: v128, errorScales: v128): v128 {
  const codeError = f32x4.mul(f32x4.mul(error, errorScales), boundWidths);
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

export function boundCandidates(
  buffer: usize,
  tableOut: usize,
  dim: u32,
  bits: u32,
  metric: u32,
  widths: f32,
): void {
  const ofTables = tableDeviation(tableOut, dim, bits);
  const count = candidateCount(buffer);
  for (let i: u32 = 0; i < count; i++) {
    const candidate = candidateAt(buffer, i);
    setBound(candidate, estimateOf(candidate) - widths * errorBound(candidate, ofTables, metric));
  }
}

export function tighten(
  buffer: usize,
  k: u32,
  tableOut: usize,
  dim: u32,
  bits: u32,
  metric: u32,
  widths: f32,
): void {
  const count = candidateCount(buffer);
  if (k == 0 || count < k) return;
  partition(buffer, k);
  const ofTables = tableDeviation(tableOut, dim, bits);
  const looked = min(count, BOUNDS_LOOKED_AT);
  let sum: f32 = 0;
  for (let i: u32 = 0; i < looked; i++) sum += errorBound(candidateAt(buffer, i), ofTables, metric);
  const kth = estimateOf(candidateAt(buffer, k - 1));
  const limit = kth + (widths * sum) / <f32>looked;
  if (limit > kth && limit < threshold(buffer)) dropFrom(buffer, limit);
}

/** From a candidate's estimate to its lower bound, one width wide. In f64: the squares of what tiny vectors err by are 0 in f32. */
@inline
function errorBound(candidate: usize, ofTables: f32, metric: u32): f32 {
  const factors = factorsOf(candidate);
  const errorScale = <f64>errorScaleOf(candidate);
  const codeError = <f64>errorFactor(factors) * errorScale;
  const tableError = <f64>rescaleFactor(factors) * <f64>ofTables;
  let squared = codeError * codeError + tableError * tableError;
  if (metric != DOT) {
    const add = <f64>addFactor(factors);
    const product = <f64>estimateOf(candidate) - add - errorScale * errorScale;
    squared += <f64>FACTOR_WIDTH * <f64>FACTOR_WIDTH * (add * add + product * product);
  }
  return <f32>sqrt(squared);
}
