// FastScan: estimates of 32 vectors at a time, compared at once with the threshold of the candidate buffer.

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
import { BLOCK_FACTOR_BYTES } from './factors';
import { lanesOf } from './lanes';
import {
  LEAF_BYTES,
  leafBlocks,
  leafConstant,
  leafConstants,
  leafCount,
  leafDeadLanes,
  leafErrorScale,
  leafErrorScales,
  leafFirstPosition,
  leafLiveLanes,
  leafMayHaveDead,
  leafNumbers,
} from './leaf';
import { constantsOf, reachedLanes } from './own-leaves';
import { blockEstimates, pushLanes, pushOwnLanes, threshold } from './select';

export function scanLeaves(
  tables: usize,
  tableOut: usize,
  dim: u32,
  bits: u32,
  leaves: usize,
  leafTotal: u32,
  buffer: usize,
): u32 {
  const scale = load<f32>(tableOut);
  const bias = codeBias(tableOut, bits);
  const groups = dim >> 2;
  let scanned: u32 = 0;
  for (let l: u32 = 0; l < leafTotal; l++) {
    const leaf = leaves + l * LEAF_BYTES;
    scanned +=
      leafNumbers(leaf) == 0
        ? scanLeaf(tables, groups, bits, scale, bias, leaf, buffer)
        : scanOwnLeaves(tables, groups, bits, scale, bias, leaf, buffer);
  }
  return scanned;
}

function scanLeaf(
  tables: usize,
  groups: u32,
  bits: u32,
  scale: f32,
  bias: f32,
  leaf: usize,
  buffer: usize,
): u32 {
  const count = leafCount(leaf);
  const codeBytes = (groups << 4) * bits;
  const stride = codeBytes + BLOCK_FACTOR_BYTES;
  const scales = f32x4.splat(scale);
  const biases = f32x4.splat(bias);
  const constants = f32x4.splat(leafConstant(leaf));
  const mayHaveDead = leafMayHaveDead(leaf);
  let block = leafBlocks(leaf);
  let dead: u32 = 0;
  for (let first: u32 = 0; first < count; first += 32) {
    const inLeaf: u32 = first + 32 > count ? (1 << (count - first)) - 1 : 0xffffffff;
    let live = inLeaf;
    if (mayHaveDead) {
      live &= ~leafDeadLanes(leaf, first);
      dead += <u32>popcnt(inLeaf ^ live);
    }
    if (live == 0) {
      block += stride;
      continue;
    }
    sumBlock(tables, block, groups, bits);
    const factors = block + codeBytes;
    const limits = f32x4.splat(threshold(buffer));
    const e0 = estimateLow(sums0, factors, scales, biases, constants);
    const e1 = estimateHigh(sums1, factors, scales, biases, constants);
    const e2 = estimateLow(sums2, factors + 16, scales, biases, constants);
    const e3 = estimateHigh(sums3, factors + 16, scales, biases, constants);
    const e4 = estimateLow(sums4, factors + 32, scales, biases, constants);
    const e5 = estimateHigh(sums5, factors + 32, scales, biases, constants);
    const e6 = estimateLow(sums6, factors + 48, scales, biases, constants);
    const e7 = estimateHigh(sums7, factors + 48, scales, biases, constants);
    // pmin keeps its first operand where the second is NaN, so that a NaN hides nothing.
    const low = f32x4.pmin(f32x4.pmin(f32x4.pmin(f32x4.pmin(limits, e0), e1), e2), e3);
    const least = f32x4.pmin(f32x4.pmin(f32x4.pmin(f32x4.pmin(low, e4), e5), e6), e7);
    if (v128.any_true(f32x4.lt(least, limits))) {
      keepEstimates(buffer, e0, e1, e2, e3, e4, e5, e6, e7);
      const lanes = nearLanes(e0, e1, e2, e3, limits) | (nearLanes(e4, e5, e6, e7, limits) << 16);
      pushLanes(buffer, lanes & live, leafFirstPosition(leaf) + first, factors, leafErrorScale(leaf));
    }
    block += stride;
  }
  return count - dead;
}

/** The same where each vector has a leaf of its own: those whose leaf the query does not reach cost a look at its number. */
function scanOwnLeaves(
  tables: usize,
  groups: u32,
  bits: u32,
  scale: f32,
  bias: f32,
  leaf: usize,
  buffer: usize,
): u32 {
  const count = leafCount(leaf);
  const codeBytes = (groups << 4) * bits;
  const scales = f32x4.splat(scale);
  const biases = f32x4.splat(bias);
  const mayHaveDead = leafMayHaveDead(leaf);
  const constants = leafConstants(leaf);
  let block = leafBlocks(leaf);
  let scanned: u32 = 0;
  for (let first: u32 = 0; first < count; first += 32) {
    const numbers = leafNumbers(leaf) + (first << 2);
    const live = leafLiveLanes(leaf, first, mayHaveDead) & reachedLanes(numbers, constants);
    if (live != 0) {
      scanned += <u32>popcnt(live);
      sumBlock(tables, block, groups, bits);
      const factors = block + codeBytes;
      const limits = f32x4.splat(threshold(buffer));
      const e0 = estimateLow(sums0, factors, scales, biases, constantsOf(numbers, constants));
      const e1 = estimateHigh(sums1, factors, scales, biases, constantsOf(numbers + 16, constants));
      const e2 = estimateLow(sums2, factors + 16, scales, biases, constantsOf(numbers + 32, constants));
      const e3 = estimateHigh(sums3, factors + 16, scales, biases, constantsOf(numbers + 48, constants));
      const e4 = estimateLow(sums4, factors + 32, scales, biases, constantsOf(numbers + 64, constants));
      const e5 = estimateHigh(sums5, factors + 32, scales, biases, constantsOf(numbers + 80, constants));
      const e6 = estimateLow(sums6, factors + 48, scales, biases, constantsOf(numbers + 96, constants));
      const e7 = estimateHigh(sums7, factors + 48, scales, biases, constantsOf(numbers + 112, constants));
      const near = nearLanes(e0, e1, e2, e3, limits) | (nearLanes(e4, e5, e6, e7, limits) << 16);
      keepEstimates(buffer, e0, e1, e2, e3, e4, e5, e6, e7);
      pushOwnLanes(buffer, near & live, leafFirstPosition(leaf) + first, factors, numbers, leafErrorScales(leaf));
    }
    block += codeBytes + BLOCK_FACTOR_BYTES;
  }
  return scanned;
}

/** Bit i is set if the i-th of 16 estimates is below the limit. */
@inline
function nearLanes(a: v128, b: v128, c: v128, d: v128, limits: v128): u32 {
  return lanesOf(f32x4.lt(a, limits), f32x4.lt(b, limits), f32x4.lt(c, limits), f32x4.lt(d, limits));
}

/** For `pushLanes`. */
@inline
function keepEstimates(buffer: usize, a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128): void {
  const estimates = blockEstimates(buffer);
  v128.store(estimates, a);
  v128.store(estimates, b, 16);
  v128.store(estimates, c, 32);
  v128.store(estimates, d, 48);
  v128.store(estimates, e, 64);
  v128.store(estimates, f, 80);
  v128.store(estimates, g, 96);
  v128.store(estimates, h, 112);
}
