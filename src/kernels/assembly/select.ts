// The candidate buffer: a header, then candidates of 16 bytes; layout.ts gives the fields. A candidate's first 8 bytes
// are one number, the estimate's order above its position, so that one comparison orders by (estimate, position) and
// equal estimates of those in the buffer never depend on the order of pushes.

import { FACTOR_BYTES } from './factors';

const COUNT: usize = 0;
const CAPACITY: usize = 4;
const KEEP: usize = 8;
const THRESHOLD: usize = 12;
const CANDIDATES: usize = 16;
const PUSHED: usize = 20;
const BLOCK_ESTIMATES: usize = 32;

const ORDER: usize = 4;
const BOUND: usize = 8;
const ERROR_SCALE: usize = 12;

const CANDIDATE_BYTES: u32 = 16;

/** More than so many of 32 lanes are pushed without a branch for each. */
const DENSE_LANES: u32 = 8;

/** Ranges up to this length are sorted by insertion. */
const INSERTION_MAX: u32 = 16;

@inline
export function threshold(buffer: usize): f32 {
  return load<f32>(buffer, THRESHOLD);
}

@inline
export function candidateCount(buffer: usize): u32 {
  return load<u32>(buffer, COUNT);
}

/** Where a scan leaves 32 estimates for `pushLanes`. */
@inline
export function blockEstimates(buffer: usize): usize {
  return buffer + BLOCK_ESTIMATES;
}

@inline
export function candidateAt(buffer: usize, index: u32): usize {
  return load<u32>(buffer, CANDIDATES) + (index << 4);
}

@inline
export function positionOf(candidate: usize): u32 {
  return load<u32>(candidate);
}

@inline
export function estimateOf(candidate: usize): f32 {
  const order = load<u32>(candidate, ORDER);
  return reinterpret<f32>(order & 0x80000000 ? order ^ 0x80000000 : ~order);
}

/** Those of four candidates. */
@inline
export function estimatesOf(a: usize, b: usize, c: usize, d: usize): v128 {
  const orders = i32x4(load<u32>(a, ORDER), load<u32>(b, ORDER), load<u32>(c, ORDER), load<u32>(d, ORDER));
  return v128.xor(orders, v128.or(i32x4.shr_s(v128.not(orders), 31), i32x4.splat(0x80000000)));
}

@inline
export function setEstimate(candidate: usize, estimate: f32): void {
  // Adding 0 makes -0 a 0; unsigned order of these bits is the order of the numbers.
  const bits = reinterpret<i32>(estimate + 0);
  store<u32>(candidate, bits ^ ((bits >> 31) | 0x80000000), ORDER);
}

/** The orders of four estimates, as in `setEstimate`. */
@inline
function ordersOf(estimates: v128): v128 {
  const bits = f32x4.add(estimates, f32x4.splat(0));
  return v128.xor(bits, v128.or(i32x4.shr_s(bits, 31), i32x4.splat(0x80000000)));
}

/** Until `setBound`: where the lane's factors stand. */
@inline
export function factorsOf(candidate: usize): usize {
  return load<u32>(candidate, BOUND);
}

@inline
export function setBound(candidate: usize, lower: f32): void {
  store<f32>(candidate, lower, BOUND);
}

@inline
export function errorScaleOf(candidate: usize): f32 {
  return load<f32>(candidate, ERROR_SCALE);
}

/** Adds one candidate if it is below the threshold; a full buffer is cut down to its best first. */
export function push(buffer: usize, estimate: f32, position: u32, factors: usize, errorScale: f32): void {
  if (!(estimate < load<f32>(buffer, THRESHOLD))) return;
  const count = load<u32>(buffer, COUNT) + 1;
  const candidate = candidateAt(buffer, count - 1);
  store<u32>(candidate, position);
  setEstimate(candidate, estimate);
  store<u32>(candidate, <u32>factors, BOUND);
  store<f32>(candidate, errorScale, ERROR_SCALE);
  store<u32>(buffer, load<u32>(buffer, PUSHED) + 1, PUSHED);
  store<u32>(buffer, count, COUNT);
  if (count == load<u32>(buffer, CAPACITY)) cut(buffer, count);
}

/**
 * Adds those of 32 candidates whose bits are set in `lanes`: `blockEstimates` holds their estimates, which were below the
 * threshold when the block was read, `position` and `factors` belong to the first.
 */
export function pushLanes(buffer: usize, lanes: u32, position: u32, factors: usize, errorScale: f32): void {
  let count = load<u32>(buffer, COUNT);
  if (count + 32 > load<u32>(buffer, CAPACITY)) {
    cut(buffer, count);
    count = load<u32>(buffer, COUNT);
  }
  const added = <u32>popcnt(lanes);
  const estimates = blockEstimates(buffer);
  let to = candidateAt(buffer, count);
  if (added > DENSE_LANES) {
    for (let i: usize = 0; i < 128; i += 16) v128.store(estimates + i, ordersOf(v128.load(estimates + i)));
    // Every lane is written and only the step depends on its bit: a branch would be predicted wrong too often.
    let candidate = f32x4.replace_lane(i32x4(position, 0, <u32>factors, 0), 3, errorScale);
    for (let lane: u32 = 0; lane < 32; lane++) {
      v128.store(to, i32x4.replace_lane(candidate, 1, load<u32>(estimates + (lane << 2))));
      candidate = i32x4.add(candidate, i32x4(1, 0, FACTOR_BYTES, 0));
      to += ((lanes >> lane) & 1) << 4;
    }
  } else {
    for (let left = lanes; left != 0; left &= left - 1) {
      const lane = <u32>ctz(left);
      store<u32>(to, position + lane);
      setEstimate(to, load<f32>(estimates + (lane << 2)));
      store<u32>(to, <u32>factors + lane * FACTOR_BYTES, BOUND);
      store<f32>(to, errorScale, ERROR_SCALE);
      to += CANDIDATE_BYTES;
    }
  }
  store<u32>(buffer, load<u32>(buffer, PUSHED) + added, PUSHED);
  store<u32>(buffer, count + added, COUNT);
}

/** As `pushLanes`, one by one, each with the error scale of its own leaf. */
export function pushOwnLanes(
  buffer: usize,
  lanes: u32,
  position: u32,
  factors: usize,
  numbers: usize,
  errorScales: usize,
): void {
  for (let left = lanes; left != 0; left &= left - 1) {
    const lane = <u32>ctz(left);
    const leaf = load<u32>(numbers + (lane << 2));
    const estimate = load<f32>(blockEstimates(buffer) + (lane << 2));
    const errorScale = load<f32>(errorScales + (leaf << 2));
    push(buffer, estimate, position + lane, factors + lane * FACTOR_BYTES, errorScale);
  }
}

export function pushCandidates(candidates: usize, count: u32, buffer: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const candidate = candidates + (i << 4);
    if (!(estimateOf(candidate) < load<f32>(buffer, THRESHOLD))) continue;
    const added = load<u32>(buffer, COUNT) + 1;
    v128.store(candidateAt(buffer, added - 1), v128.load(candidate));
    store<u32>(buffer, load<u32>(buffer, PUSHED) + 1, PUSHED);
    store<u32>(buffer, added, COUNT);
    if (added == load<u32>(buffer, CAPACITY)) cut(buffer, added);
  }
}

export function finishBuffer(buffer: usize): void {
  const count = load<u32>(buffer, COUNT);
  if (count > load<u32>(buffer, KEEP)) cut(buffer, count);
}

export function partition(buffer: usize, n: u32): void {
  const count = load<u32>(buffer, COUNT);
  if (n > 0 && n <= count) selectSmallest(load<u32>(buffer, CANDIDATES), count, n);
}

export function sortBuffer(buffer: usize, n: u32): void {
  const count = load<u32>(buffer, COUNT);
  if (n < count) partition(buffer, n);
  const end = min(n, count);
  if (end > 1) sortRange(load<u32>(buffer, CANDIDATES), 0, end - 1);
}

export function listPositions(buffer: usize, first: u32, end: u32, boundMax: f32, out: usize): u32 {
  const array: usize = load<u32>(buffer, CANDIDATES);
  let listed = first;
  for (let i = first; i < end; i++) {
    const candidate = array + (i << 4);
    if (load<f32>(candidate, BOUND) > boundMax) continue;
    // Without an order the position alone is the key.
    store<u32>(candidate, 0, ORDER);
    swap(array, i, listed++);
  }
  if (listed > first + 1) sortRange(array, first, listed - 1);
  for (let i = first; i < listed; i++) store<u32>(out + ((i - first) << 2), load<u32>(array + (i << 4)));
  return listed - first;
}

/** Only what is estimated less stays, and enters from now on. */
export function dropFrom(buffer: usize, limit: f32): void {
  const count = load<u32>(buffer, COUNT);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const candidate = candidateAt(buffer, i);
    if (!(estimateOf(candidate) < limit)) continue;
    v128.store(candidateAt(buffer, kept), v128.load(candidate));
    kept++;
  }
  store<u32>(buffer, kept, COUNT);
  store<f32>(buffer, limit, THRESHOLD);
}

/** Keeps the best `keep` of `count`; the threshold becomes the largest of them, if it was not less. */
function cut(buffer: usize, count: u32): void {
  const keep = load<u32>(buffer, KEEP);
  store<u32>(buffer, keep, COUNT);
  if (keep == 0) {
    store<f32>(buffer, -Infinity, THRESHOLD);
    return;
  }
  selectSmallest(load<u32>(buffer, CANDIDATES), count, keep);
  const worst = estimateOf(candidateAt(buffer, keep - 1));
  if (worst < load<f32>(buffer, THRESHOLD)) store<f32>(buffer, worst, THRESHOLD);
}

@inline
function keyAt(array: usize, index: u32): u64 {
  return load<u64>(array + (index << 4));
}

@inline
function swap(array: usize, i: u32, j: u32): void {
  const a = v128.load(array + (i << 4));
  v128.store(array + (i << 4), v128.load(array + (j << 4)));
  v128.store(array + (j << 4), a);
}

/** Quickselect: index n - 1 gets its element of the sorted order, smaller ones stand before it. */
function selectSmallest(array: usize, count: u32, n: u32): void {
  const target = n - 1;
  let low: u32 = 0;
  let high: u32 = count - 1;
  while (low < high) {
    const split = splitRange(array, low, high);
    if (split == target) return;
    if (split < target) low = split + 1;
    else high = split - 1;
  }
}

/** Recurses into the shorter part, so the depth stays below log2 of the length. */
function sortRange(array: usize, low: u32, high: u32): void {
  while (high - low >= INSERTION_MAX) {
    const split = splitRange(array, low, high);
    if (split - low < high - split) {
      if (split > low) sortRange(array, low, split - 1);
      low = split + 1;
    } else {
      if (split < high) sortRange(array, split + 1, high);
      high = split - 1;
    }
  }
  insertionSort(array, low, high);
}

function insertionSort(array: usize, low: u32, high: u32): void {
  for (let i = low + 1; i <= high; i++) {
    const moved = v128.load(array + (i << 4));
    const key = i64x2.extract_lane(moved, 0);
    let j = i;
    for (; j > low && <u64>key < keyAt(array, j - 1); j--) {
      v128.store(array + (j << 4), v128.load(array + ((j - 1) << 4)));
    }
    v128.store(array + (j << 4), moved);
  }
}

/**
 * Lomuto's partition of [low, high]: returns the pivot's place, smaller ones stand before it. Every round swaps and
 * only the step depends on the comparison: a branch would be predicted wrong half of the time.
 */
function splitRange(array: usize, low: u32, high: u32): u32 {
  pivotToEnd(array, low, high);
  const pivot = keyAt(array, high);
  let to = array + (low << 4);
  const end = array + (high << 4);
  for (let from = to; from < end; from += 16) {
    const a = v128.load(from);
    v128.store(from, v128.load(to));
    v128.store(to, a);
    to += <usize>(<u32>(<u64>i64x2.extract_lane(a, 0) < pivot)) << 4;
  }
  const split = <u32>((to - array) >> 4);
  swap(array, split, high);
  return split;
}

/** The median of three places that a hash of the range picks: no order of input is quadratic in practice. */
function pivotToEnd(array: usize, low: u32, high: u32): void {
  const length = high - low + 1;
  if (length < 3) return;
  const hash = (low ^ (high * 0x9e3779b1)) * 0x85ebca6b;
  let a = low + ((hash >> 16) % length);
  let b = low + length / 2;
  const c = high - ((hash & 0xffff) % length);
  if (keyAt(array, b) < keyAt(array, a)) {
    const held = a;
    a = b;
    b = held;
  }
  const middle = keyAt(array, c) > keyAt(array, b) ? b : keyAt(array, c) > keyAt(array, a) ? c : a;
  swap(array, middle, high);
}
