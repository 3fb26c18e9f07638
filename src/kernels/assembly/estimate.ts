// Estimates of a block of 32 vectors by byte shuffles from the query's tables (FastScan). Source: RaBitQ (SIGMOD 2024,
// 3.3); André et al., Quick ADC (2017).

import { FACTOR_KIND_BYTES } from './factors';
import { floatsOfHigh, floatsOfLow, lookUp, multiplyAdd } from './lanes';

// The sums of the block just read: eight times four i32. `sumBlock` returns them here, having no other way to return
// more than one value; they are WebAssembly globals, registers of this instance and not memory.
export let sums0 = i32x4(0, 0, 0, 0);
export let sums1 = i32x4(0, 0, 0, 0);
export let sums2 = i32x4(0, 0, 0, 0);
export let sums3 = i32x4(0, 0, 0, 0);
export let sums4 = i32x4(0, 0, 0, 0);
export let sums5 = i32x4(0, 0, 0, 0);
export let sums6 = i32x4(0, 0, 0, 0);
export let sums7 = i32x4(0, 0, 0, 0);

/** What the tables have left out of <u, q>, minus K * sumQ: turns scale * sum into <xbar, q>. */
@inline
export function codeBias(tableOut: usize, bits: u32): f32 {
  return <f32>((1 << bits) - 1) * (load<f32>(tableOut, 4) - 0.5 * load<f32>(tableOut, 8));
}

/** add + constant + rescale * <xbar, q> of the first four of the eight vectors whose factors are here. */
@inline
export function estimateLow(sums: v128, factors: usize, scales: v128, biases: v128, constants: v128): v128 {
  const products = multiplyAdd(f32x4.convert_i32x4_s(sums), scales, biases);
  const rescale = floatsOfLow(v128.load(factors, FACTOR_KIND_BYTES));
  return multiplyAdd(rescale, products, f32x4.add(floatsOfLow(v128.load(factors)), constants));
}

/** The same of the last four. */
@inline
export function estimateHigh(sums: v128, factors: usize, scales: v128, biases: v128, constants: v128): v128 {
  const products = multiplyAdd(f32x4.convert_i32x4_s(sums), scales, biases);
  const rescale = floatsOfHigh(v128.load(factors, FACTOR_KIND_BYTES));
  return multiplyAdd(rescale, products, f32x4.add(floatsOfHigh(v128.load(factors)), constants));
}

/** Adds up the looked-up values of the 32 vectors of a block into sums0-7: plane by plane, each weighs half the one before. */
@inline
export function sumBlock(tables: usize, codes: usize, groups: u32, bits: u32): void {
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
