// FastScan: estimates of 32 vectors at a time by byte shuffles from the query's tables, compared at once with the
// threshold of the candidate buffer. Source: RaBitQ (SIGMOD 2024, 3.3); André et al., Quick ADC (2017).

import { DOT } from './rows';
import { addFactor, BLOCK_FACTOR_BYTES, ERROR_WIDTH, errorFactor, FACTOR_KIND_BYTES, rescaleFactor } from './factors';
import {
  LEAF_BYTES,
  leafBlocks,
  leafConstant,
  leafCount,
  leafDeadLanes,
  leafErrorScale,
  leafFirstPosition,
  leafMayHaveDead,
} from './leaf';
import { floatsOfHigh, floatsOfLow, lookUp, multiplyAdd } from './lanes';
import {
  blockOrders,
  candidateAt,
  candidateCount,
  errorScaleOf,
  estimateOf,
  factorsOf,
  ordersOf,
  pushLanes,
  setBound,
  threshold,
} from './select';

/** What rounding to bfloat16 may change, relative to a factor: uniform within 2^-9, as wide as the error bound. */
const FACTOR_WIDTH: f32 = ERROR_WIDTH * 0.0011;

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
  const scale = load<f32>(tableOut);
  const bias = codeBias(tableOut, bits);
  for (let l: u32 = 0; l < leafTotal; l++) scanLeaf(tables, dim >> 2, bits, scale, bias, leaves + l * LEAF_BYTES, buffer);
}

/** What the tables have left out of <u, q>, minus K * sumQ: turns scale * sum into <xbar, q>. */
@inline
function codeBias(tableOut: usize, bits: u32): f32 {
  return <f32>((1 << bits) - 1) * (load<f32>(tableOut, 4) - 0.5 * load<f32>(tableOut, 8));
}

function scanLeaf(
  tables: usize,
  groups: u32,
  bits: u32,
  scale: f32,
  bias: f32,
  leaf: usize,
  buffer: usize,
): void {
  const count = leafCount(leaf);
  const codeBytes = (groups << 4) * bits;
  const stride = codeBytes + BLOCK_FACTOR_BYTES;
  const scales = f32x4.splat(scale);
  const biases = f32x4.splat(bias);
  const constants = f32x4.splat(leafConstant(leaf));
  const mayHaveDead = leafMayHaveDead(leaf);
  let block = leafBlocks(leaf);
  for (let first: u32 = 0; first < count; first += 32) {
    const inLeaf: u32 = first + 32 > count ? (1 << (count - first)) - 1 : 0xffffffff;
    const live = mayHaveDead ? inLeaf & ~leafDeadLanes(leaf, first) : inLeaf;
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
    // No minimum of the estimates: a NaN could hide its neighbours.
    const near = v128.or(
      v128.or(
        v128.or(f32x4.lt(e0, limits), f32x4.lt(e1, limits)),
        v128.or(f32x4.lt(e2, limits), f32x4.lt(e3, limits)),
      ),
      v128.or(
        v128.or(f32x4.lt(e4, limits), f32x4.lt(e5, limits)),
        v128.or(f32x4.lt(e6, limits), f32x4.lt(e7, limits)),
      ),
    );
    if (v128.any_true(near)) {
      const orders = blockOrders(buffer);
      v128.store(orders, ordersOf(e0));
      v128.store(orders, ordersOf(e1), 16);
      v128.store(orders, ordersOf(e2), 32);
      v128.store(orders, ordersOf(e3), 48);
      v128.store(orders, ordersOf(e4), 64);
      v128.store(orders, ordersOf(e5), 80);
      v128.store(orders, ordersOf(e6), 96);
      v128.store(orders, ordersOf(e7), 112);
      const lanes = nearLanes(e0, e1, e2, e3, limits) | (nearLanes(e4, e5, e6, e7, limits) << 16);
      pushLanes(buffer, lanes & live, leafFirstPosition(leaf) + first, factors, leafErrorScale(leaf));
    }
    block += stride;
  }
}

/** Bit i is set if the i-th of 16 estimates is below the limit. */
@inline
function nearLanes(a: v128, b: v128, c: v128, d: v128, limits: v128): u32 {
  const ab = i16x8.narrow_i32x4_s(f32x4.lt(a, limits), f32x4.lt(b, limits));
  const cd = i16x8.narrow_i32x4_s(f32x4.lt(c, limits), f32x4.lt(d, limits));
  return <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(ab, cd));
}

export function boundCandidates(buffer: usize, tableOut: usize, dim: u32, bits: u32, metric: u32): void {
  // Rounding each of the table entries adds an error of its own, uniform and independent: groups / 12 steps squared a
  // plane, planes weigh 1, 2, 4, 8. So does the rounding of the factors.
  const planes = <f32>(((1 << (2 * bits)) - 1) / 3);
  const tableDeviation: f32 = ERROR_WIDTH * load<f32>(tableOut) * sqrt((planes * <f32>(dim >> 2)) / 12);
  const count = candidateCount(buffer);
  for (let i: u32 = 0; i < count; i++) {
    const candidate = candidateAt(buffer, i);
    const factors = factorsOf(candidate);
    const estimate = estimateOf(candidate);
    const errorScale = errorScaleOf(candidate);
    const codeError = errorFactor(factors) * errorScale;
    const tableError = rescaleFactor(factors) * tableDeviation;
    let squared = codeError * codeError + tableError * tableError;
    if (metric != DOT) {
      const add = addFactor(factors);
      const product = estimate - add - errorScale * errorScale;
      squared += FACTOR_WIDTH * FACTOR_WIDTH * (add * add + product * product);
    }
    setBound(candidate, estimate - sqrt(squared));
  }
}

/** add + constant + rescale * <xbar, q> of the first four of the eight vectors whose factors are here. */
@inline
function estimateLow(sums: v128, factors: usize, scales: v128, biases: v128, constants: v128): v128 {
  const products = multiplyAdd(f32x4.convert_i32x4_s(sums), scales, biases);
  const rescale = floatsOfLow(v128.load(factors, FACTOR_KIND_BYTES));
  return multiplyAdd(rescale, products, f32x4.add(floatsOfLow(v128.load(factors)), constants));
}

/** The same of the last four. */
@inline
function estimateHigh(sums: v128, factors: usize, scales: v128, biases: v128, constants: v128): v128 {
  const products = multiplyAdd(f32x4.convert_i32x4_s(sums), scales, biases);
  const rescale = floatsOfHigh(v128.load(factors, FACTOR_KIND_BYTES));
  return multiplyAdd(rescale, products, f32x4.add(floatsOfHigh(v128.load(factors)), constants));
}

/** Adds up the looked-up values of the 32 vectors of a block into sums0-7: plane by plane, each weighs half the one before. */
@inline
function sumBlock(tables: usize, codes: usize, groups: u32, bits: u32): void {
  sumPlane(tables, codes, groups);
  for (let plane: u32 = 1; plane < bits; plane++) {
    const a = i32x4.shl(sums0, 1);
    const b = i32x4.shl(sums1, 1);
    const c = i32x4.shl(sums2, 1);
    const d = i32x4.shl(sums3, 1);
    const e = i32x4.shl(sums4, 1);
    const f = i32x4.shl(sums5, 1);
    const g = i32x4.shl(sums6, 1);
    const h = i32x4.shl(sums7, 1);
    sumPlane(tables, codes + plane * (groups << 4), groups);
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
 * The hot loop. Four 6-bit entries add up in a byte; `total` adds such bytes as u16 lanes that hold two vectors each,
 * `odd` only the upper byte's vector, so the lower one is total - odd * 256 at the end (all modulo 2^16). The number
 * of groups is even, and 1024 at most: 63 * 1024 still fits 16 bits.
 */
function sumPlane(tables: usize, codes: usize, groups: u32): void {
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
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    const tableC = v128.load(tables, 32);
    const tableD = v128.load(tables, 48);
    const low = i8x16.add(lowPair(tableA, tableB, a, b, nibble), lowPair(tableC, tableD, c, d, nibble));
    const high = i8x16.add(highPair(tableA, tableB, a, b, nibble), highPair(tableC, tableD, c, d, nibble));
    lowTotal = i16x8.add(lowTotal, low);
    lowOdd = i16x8.add(lowOdd, i16x8.shr_u(low, 8));
    highTotal = i16x8.add(highTotal, high);
    highOdd = i16x8.add(highOdd, i16x8.shr_u(high, 8));
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
