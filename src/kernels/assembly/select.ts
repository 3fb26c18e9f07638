// The candidate buffer: three parallel arrays (estimate, lower bound, position) behind a header, layout.ts gives its
// fields. Order is always (estimate, position), so that equal estimates never depend on the order of pushes.

const COUNT: usize = 0;
const CAPACITY: usize = 4;
const KEEP: usize = 8;
const THRESHOLD: usize = 12;
const ESTIMATES: usize = 16;
const LOWERS: usize = 20;
const POSITIONS: usize = 24;
const PUSHED: usize = 28;

/** Ranges up to this length are sorted by insertion. */
const INSERTION_MAX: u32 = 16;

@inline
export function threshold(buffer: usize): f32 {
  return load<f32>(buffer, THRESHOLD);
}

/** Adds one candidate if it is below the threshold; a full buffer is cut down to its best first. */
export function push(buffer: usize, estimate: f32, lower: f32, position: u32): void {
  if (!(estimate < load<f32>(buffer, THRESHOLD))) return;
  const count = load<u32>(buffer, COUNT);
  const at = count << 2;
  store<f32>(load<u32>(buffer, ESTIMATES) + at, estimate);
  store<f32>(load<u32>(buffer, LOWERS) + at, lower);
  store<u32>(load<u32>(buffer, POSITIONS) + at, position);
  store<u32>(buffer, load<u32>(buffer, PUSHED) + 1, PUSHED);
  store<u32>(buffer, count + 1, COUNT);
  if (count + 1 == load<u32>(buffer, CAPACITY)) cut(buffer, count + 1);
}

export function finishBuffer(buffer: usize): void {
  const count = load<u32>(buffer, COUNT);
  if (count > load<u32>(buffer, KEEP)) cut(buffer, count);
}

export function partition(buffer: usize, n: u32): void {
  const count = load<u32>(buffer, COUNT);
  if (n > 0 && n < count) selectSmallest(buffer, count, n);
}

export function sortBuffer(buffer: usize, n: u32): void {
  const count = load<u32>(buffer, COUNT);
  if (n < count) partition(buffer, n);
  const end = min(n, count);
  if (end > 1) sortRange(buffer, 0, end - 1);
}

/** Keeps the best `keep` of `count`; the threshold becomes the largest of them. */
function cut(buffer: usize, count: u32): void {
  const keep = load<u32>(buffer, KEEP);
  store<u32>(buffer, keep, COUNT);
  if (keep == 0) {
    store<f32>(buffer, -Infinity, THRESHOLD);
    return;
  }
  selectSmallest(buffer, count, keep);
  store<f32>(buffer, load<f32>(load<u32>(buffer, ESTIMATES) + ((keep - 1) << 2)), THRESHOLD);
}

@inline
function precedes(estimate: f32, position: u32, otherEstimate: f32, otherPosition: u32): bool {
  return estimate < otherEstimate || (estimate == otherEstimate && position < otherPosition);
}

@inline
function swap(array: usize, i: u32, j: u32): void {
  const a = load<u32>(array + (i << 2));
  store<u32>(array + (i << 2), load<u32>(array + (j << 2)));
  store<u32>(array + (j << 2), a);
}

function swapCandidates(buffer: usize, i: u32, j: u32): void {
  swap(load<u32>(buffer, ESTIMATES), i, j);
  swap(load<u32>(buffer, LOWERS), i, j);
  swap(load<u32>(buffer, POSITIONS), i, j);
}

/** Hoare's selection: index n - 1 gets its element of the sorted order, smaller ones stand before it. */
function selectSmallest(buffer: usize, count: u32, n: u32): void {
  const target = n - 1;
  let low: u32 = 0;
  let high: u32 = count - 1;
  while (low < high) {
    const split = splitRange(buffer, low, high);
    if (target <= split) high = split;
    else low = split + 1;
  }
}

/** Recurses into the shorter part, so the depth stays below log2 of the length. */
function sortRange(buffer: usize, low: u32, high: u32): void {
  while (high - low >= INSERTION_MAX) {
    const split = splitRange(buffer, low, high);
    if (split - low < high - split) {
      sortRange(buffer, low, split);
      low = split + 1;
    } else {
      sortRange(buffer, split + 1, high);
      high = split;
    }
  }
  insertionSort(buffer, low, high);
}

function insertionSort(buffer: usize, low: u32, high: u32): void {
  const estimates: usize = load<u32>(buffer, ESTIMATES);
  const lowers: usize = load<u32>(buffer, LOWERS);
  const positions: usize = load<u32>(buffer, POSITIONS);
  for (let i = low + 1; i <= high; i++) {
    const estimate = load<f32>(estimates + (i << 2));
    const lower = load<f32>(lowers + (i << 2));
    const position = load<u32>(positions + (i << 2));
    let j = i;
    while (j > low) {
      const before = (j - 1) << 2;
      if (!precedes(estimate, position, load<f32>(estimates + before), load<u32>(positions + before))) break;
      store<f32>(estimates + before, load<f32>(estimates + before), 4);
      store<f32>(lowers + before, load<f32>(lowers + before), 4);
      store<u32>(positions + before, load<u32>(positions + before), 4);
      j--;
    }
    store<f32>(estimates + (j << 2), estimate);
    store<f32>(lowers + (j << 2), lower);
    store<u32>(positions + (j << 2), position);
  }
}

/** Splits [low, high] at a pivot: returns s < high with every one of [low, s] not after any of [s + 1, high]. */
function splitRange(buffer: usize, low: u32, high: u32): u32 {
  const estimates: usize = load<u32>(buffer, ESTIMATES);
  const positions: usize = load<u32>(buffer, POSITIONS);
  medianToFront(buffer, low, high);
  const pivot = load<f32>(estimates + (low << 2));
  const pivotPosition = load<u32>(positions + (low << 2));
  let i: i32 = <i32>low - 1;
  let j: i32 = <i32>high + 1;
  while (true) {
    do i++;
    while (precedes(load<f32>(estimates + (i << 2)), load<u32>(positions + (i << 2)), pivot, pivotPosition));
    do j--;
    while (precedes(pivot, pivotPosition, load<f32>(estimates + (j << 2)), load<u32>(positions + (j << 2))));
    if (i >= j) return <u32>j;
    swapCandidates(buffer, <u32>i, <u32>j);
  }
}

/** Median of three places that a hash of the range picks: no order of input is quadratic in practice. */
function medianToFront(buffer: usize, low: u32, high: u32): void {
  const length = high - low + 1;
  if (length < 3) return;
  const hash = (low ^ (high * 0x9e3779b1)) * 0x85ebca6b;
  const a = low + ((hash >> 16) % length);
  const b = low + length / 2;
  const c = high - ((hash & 0xffff) % length);
  swapCandidates(buffer, low, medianOf(buffer, a, b, c));
}

function medianOf(buffer: usize, a: u32, b: u32, c: u32): u32 {
  if (comesBefore(buffer, b, a)) {
    const held = a;
    a = b;
    b = held;
  }
  if (!comesBefore(buffer, c, b)) return b;
  return comesBefore(buffer, c, a) ? a : c;
}

@inline
function comesBefore(buffer: usize, i: u32, j: u32): bool {
  const estimates: usize = load<u32>(buffer, ESTIMATES);
  const positions: usize = load<u32>(buffer, POSITIONS);
  return precedes(
    load<f32>(estimates + (i << 2)),
    load<u32>(positions + (i << 2)),
    load<f32>(estimates + (j << 2)),
    load<u32>(positions + (j << 2)),
  );
}
