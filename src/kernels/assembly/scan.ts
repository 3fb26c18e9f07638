// FastScan: estimates of 32 vectors at a time by byte shuffles from the query's tables, compared at once with the
// threshold of the candidate buffer. Source: RaBitQ (SIGMOD 2024, 3.3); André et al., Quick ADC (2017).

import {
  LEAF_BYTES,
  leafBlocks,
  leafConstant,
  leafCount,
  leafErrorScale,
  leafFirstPosition,
  leafIsDead,
} from './leaf';
import { lookUp, multiplyAdd } from './lanes';
import { push, threshold } from './select';

const FACTOR_BYTES: u32 = 384;
/** 127 * 512 still fits a u16 accumulator. */
const CHUNK_GROUPS: u32 = 512;
/** eps0 of the paper, as in encode.ts. */
const ERROR_WIDTH: f32 = 1.9;

/** Width of the error that rounded tables add to <xbar, q>, for the scan that runs. */
let tableDeviation: f32 = 0;

// The sums of the block just read: eight times four i32. `sumBlock` returns them here, having no other way to return
// more than one value; they are WebAssembly globals, registers of this instance and not memory.
let sums0 = i32x4(0, 0, 0, 0);
let sums1 = i32x4(0, 0, 0, 0);
let sums2 = i32x4(0, 0, 0, 0);
let sums3 = i32x4(0, 0, 0, 0);
let sums4 = i32x4(0, 0, 0, 0);
let sums5 = i32x4(0, 0, 0, 0);
let sums6 = i32x4(0, 0, 0, 0);
let sums7 = i32x4(0, 0, 0, 0);

export function scanLeaves(
  tables: usize,
  tableOut: usize,
  dim: u32,
  bits: u32,
  leaves: usize,
  leafTotal: u32,
  buffer: usize,
): void {
  const groups = (dim >> 2) * bits;
  const scale = load<f32>(tableOut);
  const bias = codeBias(tableOut, bits);
  // Rounding each of the table entries adds an error of its own, which counts at 4 bits: uniform, independent.
  tableDeviation = ERROR_WIDTH * scale * sqrt(<f32>groups / 12);
  for (let l: u32 = 0; l < leafTotal; l++) scanLeaf(tables, groups, scale, bias, leaves + l * LEAF_BYTES, buffer);
}

/** bias - K * sumQ: what turns scale * sum into <xbar, q>. */
@inline
function codeBias(tableOut: usize, bits: u32): f32 {
  return load<f32>(tableOut, 4) - <f32>((1 << bits) - 1) * 0.5 * load<f32>(tableOut, 8);
}

function scanLeaf(tables: usize, groups: u32, scale: f32, bias: f32, leaf: usize, buffer: usize): void {
  const count = leafCount(leaf);
  const stride = (groups << 4) + FACTOR_BYTES;
  const scales = f32x4.splat(scale);
  const biases = f32x4.splat(bias);
  const constants = f32x4.splat(leafConstant(leaf));
  let block = leafBlocks(leaf);
  for (let first: u32 = 0; first < count; first += 32) {
    sumBlock(tables, block, groups);
    const factors = block + (groups << 4);
    const limits = f32x4.splat(threshold(buffer));
    let near = f32x4.lt(estimate(sums0, factors, scales, biases, constants), limits);
    near = v128.or(near, f32x4.lt(estimate(sums1, factors + 16, scales, biases, constants), limits));
    near = v128.or(near, f32x4.lt(estimate(sums2, factors + 32, scales, biases, constants), limits));
    near = v128.or(near, f32x4.lt(estimate(sums3, factors + 48, scales, biases, constants), limits));
    near = v128.or(near, f32x4.lt(estimate(sums4, factors + 64, scales, biases, constants), limits));
    near = v128.or(near, f32x4.lt(estimate(sums5, factors + 80, scales, biases, constants), limits));
    near = v128.or(near, f32x4.lt(estimate(sums6, factors + 96, scales, biases, constants), limits));
    near = v128.or(near, f32x4.lt(estimate(sums7, factors + 112, scales, biases, constants), limits));
    if (v128.any_true(near)) offerBlock(factors, first, scales, biases, constants, leaf, buffer);
    block += stride;
  }
}

/** Computes the estimates again: a block with a near vector is rare, and keeping them would cost every block. */
function offerBlock(
  factors: usize,
  first: u32,
  scales: v128,
  biases: v128,
  constants: v128,
  leaf: usize,
  buffer: usize,
): void {
  offer(estimate(sums0, factors, scales, biases, constants), factors, first, leaf, buffer);
  offer(estimate(sums1, factors + 16, scales, biases, constants), factors + 16, first + 4, leaf, buffer);
  offer(estimate(sums2, factors + 32, scales, biases, constants), factors + 32, first + 8, leaf, buffer);
  offer(estimate(sums3, factors + 48, scales, biases, constants), factors + 48, first + 12, leaf, buffer);
  offer(estimate(sums4, factors + 64, scales, biases, constants), factors + 64, first + 16, leaf, buffer);
  offer(estimate(sums5, factors + 80, scales, biases, constants), factors + 80, first + 20, leaf, buffer);
  offer(estimate(sums6, factors + 96, scales, biases, constants), factors + 96, first + 24, leaf, buffer);
  offer(estimate(sums7, factors + 112, scales, biases, constants), factors + 112, first + 28, leaf, buffer);
}

/** add + constant + rescale * <xbar, q> of four vectors. */
@inline
function estimate(sums: v128, factors: usize, scales: v128, biases: v128, constants: v128): v128 {
  const products = multiplyAdd(f32x4.convert_i32x4_s(sums), scales, biases);
  return multiplyAdd(v128.load(factors, 128), products, f32x4.add(v128.load(factors), constants));
}

function offer(estimates: v128, factors: usize, index: u32, leaf: usize, buffer: usize): void {
  const near = i32x4.bitmask(f32x4.lt(estimates, f32x4.splat(threshold(buffer))));
  if (near != 0) pushNear(estimates, near, factors, index, leaf, buffer);
}

function pushNear(estimates: v128, near: i32, factors: usize, index: u32, leaf: usize, buffer: usize): void {
  const codeError = f32x4.mul(v128.load(factors, 256), f32x4.splat(leafErrorScale(leaf)));
  const tableError = f32x4.mul(v128.load(factors, 128), f32x4.splat(tableDeviation));
  const squared = f32x4.add(f32x4.mul(codeError, codeError), f32x4.mul(tableError, tableError));
  const lowers = f32x4.sub(estimates, f32x4.sqrt(squared));
  if (near & 1) pushLive(f32x4.extract_lane(estimates, 0), f32x4.extract_lane(lowers, 0), index, leaf, buffer);
  if (near & 2) pushLive(f32x4.extract_lane(estimates, 1), f32x4.extract_lane(lowers, 1), index + 1, leaf, buffer);
  if (near & 4) pushLive(f32x4.extract_lane(estimates, 2), f32x4.extract_lane(lowers, 2), index + 2, leaf, buffer);
  if (near & 8) pushLive(f32x4.extract_lane(estimates, 3), f32x4.extract_lane(lowers, 3), index + 3, leaf, buffer);
}

function pushLive(estimate: f32, lower: f32, index: u32, leaf: usize, buffer: usize): void {
  if (index >= leafCount(leaf) || leafIsDead(leaf, index)) return;
  push(buffer, estimate, lower, leafFirstPosition(leaf) + index);
}

export function estimateBlocks(
  tables: usize,
  tableOut: usize,
  dim: u32,
  bits: u32,
  blocks: usize,
  first: u32,
  end: u32,
  constant: f32,
  out: usize,
): void {
  const groups = (dim >> 2) * bits;
  const stride = (groups << 4) + FACTOR_BYTES;
  const scales = f32x4.splat(load<f32>(tableOut));
  const biases = f32x4.splat(codeBias(tableOut, bits));
  const constants = f32x4.splat(constant);
  for (let start = first & ~31; start < end; start += 32) {
    const block = blocks + (start >> 5) * stride;
    sumBlock(tables, block, groups);
    const factors = block + (groups << 4);
    put(estimate(sums0, factors, scales, biases, constants), start, first, end, out);
    put(estimate(sums1, factors + 16, scales, biases, constants), start + 4, first, end, out);
    put(estimate(sums2, factors + 32, scales, biases, constants), start + 8, first, end, out);
    put(estimate(sums3, factors + 48, scales, biases, constants), start + 12, first, end, out);
    put(estimate(sums4, factors + 64, scales, biases, constants), start + 16, first, end, out);
    put(estimate(sums5, factors + 80, scales, biases, constants), start + 20, first, end, out);
    put(estimate(sums6, factors + 96, scales, biases, constants), start + 24, first, end, out);
    put(estimate(sums7, factors + 112, scales, biases, constants), start + 28, first, end, out);
  }
}

/** Stores those of four estimates that lie in [first, end). */
function put(estimates: v128, index: u32, first: u32, end: u32, out: usize): void {
  const at = out + ((index - first) << 2);
  if (index >= first && index + 4 <= end) {
    v128.store(at, estimates);
    return;
  }
  if (index >= first && index < end) store<f32>(at, f32x4.extract_lane(estimates, 0));
  if (index + 1 >= first && index + 1 < end) store<f32>(at + 4, f32x4.extract_lane(estimates, 1));
  if (index + 2 >= first && index + 2 < end) store<f32>(at + 8, f32x4.extract_lane(estimates, 2));
  if (index + 3 >= first && index + 3 < end) store<f32>(at + 12, f32x4.extract_lane(estimates, 3));
}

/** Adds up the looked-up bytes of the 32 vectors of a block into sums0-7. */
function sumBlock(tables: usize, codes: usize, groups: u32): void {
  sumChunk(tables, codes, min(groups, CHUNK_GROUPS));
  for (let done = CHUNK_GROUPS; done < groups; done += CHUNK_GROUPS) {
    const a = sums0;
    const b = sums1;
    const c = sums2;
    const d = sums3;
    const e = sums4;
    const f = sums5;
    const g = sums6;
    const h = sums7;
    sumChunk(tables + (done << 4), codes + (done << 4), min(groups - done, CHUNK_GROUPS));
    sums0 = i32x4.add(sums0, a);
    sums1 = i32x4.add(sums1, b);
    sums2 = i32x4.add(sums2, c);
    sums3 = i32x4.add(sums3, d);
    sums4 = i32x4.add(sums4, e);
    sums5 = i32x4.add(sums5, f);
    sums6 = i32x4.add(sums6, g);
    sums7 = i32x4.add(sums7, h);
  }
}

/**
 * The hot loop. Two 7-bit entries add up in a byte; `total` adds such pairs as u16 lanes that hold two vectors each,
 * `odd` only the upper byte's vector, so the lower one is total - odd * 256 at the end (all modulo 2^16). The number
 * of groups is even.
 */
function sumChunk(tables: usize, codes: usize, groups: u32): void {
  // 15, in a way that is no constant: V8 builds constants anew in every round of a loop.
  const nibble = i8x16.splat(<i8>(15 | (groups >> 16)));
  let lowTotal = i16x8.splat(0);
  let lowOdd = lowTotal;
  let highTotal = lowTotal;
  let highOdd = lowTotal;
  if (groups & 2) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const tableA = v128.load(tables);
    const tableB = v128.load(tables, 16);
    lowTotal = lowPair(tableA, tableB, a, b, nibble);
    highTotal = highPair(tableA, tableB, a, b, nibble);
    lowOdd = i16x8.shr_u(lowTotal, 8);
    highOdd = i16x8.shr_u(highTotal, 8);
    codes += 32;
    tables += 32;
  }
  for (let quads = groups >> 2; quads != 0; quads--) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const tableA = v128.load(tables);
    const tableB = v128.load(tables, 16);
    const low = lowPair(tableA, tableB, a, b, nibble);
    const high = highPair(tableA, tableB, a, b, nibble);
    lowTotal = i16x8.add(lowTotal, low);
    lowOdd = i16x8.add(lowOdd, i16x8.shr_u(low, 8));
    highTotal = i16x8.add(highTotal, high);
    highOdd = i16x8.add(highOdd, i16x8.shr_u(high, 8));
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    const tableC = v128.load(tables, 32);
    const tableD = v128.load(tables, 48);
    const nextLow = lowPair(tableC, tableD, c, d, nibble);
    const nextHigh = highPair(tableC, tableD, c, d, nibble);
    lowTotal = i16x8.add(lowTotal, nextLow);
    lowOdd = i16x8.add(lowOdd, i16x8.shr_u(nextLow, 8));
    highTotal = i16x8.add(highTotal, nextHigh);
    highOdd = i16x8.add(highOdd, i16x8.shr_u(nextHigh, 8));
    codes += 64;
    tables += 64;
  }
  const lowEven = i16x8.sub(lowTotal, i16x8.shl(lowOdd, 8));
  const highEven = i16x8.sub(highTotal, i16x8.shl(highOdd, 8));
  sums0 = i32x4.extend_low_i16x8_u(lowEven);
  sums1 = i32x4.extend_high_i16x8_u(lowEven);
  sums2 = i32x4.extend_low_i16x8_u(lowOdd);
  sums3 = i32x4.extend_high_i16x8_u(lowOdd);
  sums4 = i32x4.extend_low_i16x8_u(highEven);
  sums5 = i32x4.extend_high_i16x8_u(highEven);
  sums6 = i32x4.extend_low_i16x8_u(highOdd);
  sums7 = i32x4.extend_high_i16x8_u(highOdd);
}

/** What two groups add for the vectors of the low nibbles. */
@inline
function lowPair(table: v128, nextTable: v128, code: v128, nextCode: v128, nibble: v128): v128 {
  return i8x16.add(lookUp(table, v128.and(code, nibble)), lookUp(nextTable, v128.and(nextCode, nibble)));
}

/** The same for the high nibbles. */
@inline
function highPair(table: v128, nextTable: v128, code: v128, nextCode: v128, nibble: v128): v128 {
  return lowPair(table, nextTable, i16x8.shr_u(code, 4), i16x8.shr_u(nextCode, 4), nibble);
}
