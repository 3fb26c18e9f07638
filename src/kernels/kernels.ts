// Owns the compiled kernels and their typed interface (any thread). All arguments that name memory are byte
// addresses in the shared memory given at instantiation; `dim` is a multiple of 8 unless said otherwise. Kernels
// check nothing: sizes and alignment (16 bytes) are the caller's promise.

import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

export type KernelBits = 1 | 2 | 4;
/** 0: squared Euclidean, 1: cosine (2 - 2cos), 2: dot (negated inner product). See METRIC_NUMBER. */
export type KernelMetric = 0 | 1 | 2;
/** 0: float32, 1: float16, 2: int8. See PRECISION_NUMBER. */
export type KernelPrecision = 0 | 1 | 2;

export interface Kernels {
  /** Rotates a vector in place. `signs`: 4 * dim words of 0 or 0x80000000. */
  rotate(vector: number, dim: number, signs: number): void;

  /**
   * Lookup tables of a rotated query (`tableBytes`), and `out`: f32 scale, sum of the groups' minima, sum of the query, 0.
   */
  buildTables(query: number, dim: number, tables: number, out: number): void;
  /** Estimates every live vector of `leafCount` leaves and pushes those below the threshold; returns how many it has estimated. */
  scanLeaves(
    tables: number,
    tableOut: number,
    dim: number,
    bits: KernelBits,
    leaves: number,
    leafCount: number,
    buffer: number,
  ): number;
  /** Replaces where a candidate's factors stand by its lower bound, so many error bounds wide; once, after the scans. */
  boundCandidates(
    buffer: number,
    tableOut: number,
    dim: number,
    bits: KernelBits,
    metric: KernelMetric,
    widths: number,
  ): void;
  /**
   * Lowers the threshold to so many mean error bounds (`widths`) beyond the k-th best estimate, and drops what is not below it.
   * Between scans, before `boundCandidates`; does nothing while there are fewer than k.
   */
  tighten(
    buffer: number,
    k: number,
    tableOut: number,
    dim: number,
    bits: KernelBits,
    metric: KernelMetric,
    widths: number,
  ): void;

  /**
   * Writes the positions of the live vectors of these leaves whose lower bound, so many error bounds wide (`widths`), is
   * `boundMax` at most; returns their number. `out`: room for all of the leaves' vectors.
   */
  listWithin(
    tables: number,
    tableOut: number,
    dim: number,
    bits: KernelBits,
    metric: KernelMetric,
    widths: number,
    leaves: number,
    leafCount: number,
    boundMax: number,
    out: number,
  ): number;

  /** Writes the sign code of a vector: bit = value > 0, zero-padded to `signWords` 16-byte words. */
  signCode(vector: number, dim: number, out: number): void;
  /** Pushes the Hamming distance of every live vector of the leaves that is below the threshold; returns how many are live. */
  scanHamming(query: number, words: number, leaves: number, leafCount: number, buffer: number): number;

  /** A mask of matches becomes one of what to exclude: mask = not mask, or dead. `bytes` of both are read. */
  excludeUnmatched(mask: number, tombstones: number, bytes: number): void;
  /** Counts of each leaf of the table what the mask, by position, does not exclude; returns the sum. */
  countMatches(leafTable: number, leaves: number, mask: number, counts: number): number;
  /** How many of bits [first, end) are clear. Reads up to 8 bytes past them. */
  countClear(mask: number, first: number, end: number): number;
  /**
   * Writes `position` + i for each clear bit first + i below `end`, ascending, until `max` are written; returns their
   * number. Reads up to 8 bytes past the bits.
   */
  listClear(mask: number, first: number, end: number, position: number, out: number, max: number): number;

  /** Pushes `count` candidates, as another buffer holds them, that are below the threshold. */
  pushCandidates(candidates: number, count: number, buffer: number): void;
  /** Leaves the `keep` best in the buffer, in no order. */
  finishBuffer(buffer: number): void;
  /** Brings the `n` best to the front, ascending by (estimate, position). */
  sortBuffer(buffer: number, n: number): void;
  /** Brings the `n` best to the front, the worst of them last, the others in no order. */
  partition(buffer: number, n: number): void;
  /**
   * Writes the positions of those of candidates [first, end) whose lower bound is `boundMax` at most, ascending, and
   * returns their number. These candidates lose their estimates.
   */
  listPositions(buffer: number, first: number, end: number, boundMax: number, out: number): number;

  /**
   * Exact distances of `count` rows of `dim` floats; any dim >= 1. For cosine the query has unit norm, and rows of its direction,
   * as far as float32 tells, are at exactly 0: so it is for rows of every precision.
   */
  distances(query: number, rows: number, count: number, dim: number, metric: KernelMetric, out: number): void;
  /** Writes a query as int8 rows are compared with it (`quantizedQueryBytes`); any dim >= 1. */
  quantizeQuery(query: number, dim: number, out: number): void;
  /** Writes the numbers of a stored row; any dim >= 1. */
  decodeRow(row: number, dim: number, precision: KernelPrecision, out: number): void;
  /**
   * Pushes the exact distance of every stored row that lives and is below the threshold; any dim >= 1. For int8 rows
   * `query` is what `quantizeQuery` wrote. By l2, a row that was decoded is at exactly 0 from what it was decoded to.
   */
  pushExact(
    query: number,
    rows: number,
    count: number,
    dim: number,
    metric: KernelMetric,
    precision: KernelPrecision,
    firstPosition: number,
    tombstones: number,
    firstBit: number,
    buffer: number,
  ): void;
  /** Pushes the exact distances of consecutive stored rows, whose positions `positions` holds; otherwise as `pushExact`. */
  pushRows(
    query: number,
    rows: number,
    positions: number,
    count: number,
    dim: number,
    metric: KernelMetric,
    precision: KernelPrecision,
    buffer: number,
  ): void;
  /** Pushes the exact distances of the `count` rows of a matrix whose numbers `list` holds, as their positions. */
  pushListed(
    query: number,
    matrix: number,
    list: number,
    count: number,
    dim: number,
    metric: KernelMetric,
    buffer: number,
  ): void;

  /**
   * Replaces each candidate's estimate by the exact distance of the centroid, an int8 row, that its position names, plus
   * the vector at `shift`; 0: plus nothing. `decoded`: room for `dim` f32.
   */
  rescore(
    buffer: number,
    query: number,
    centroids: number,
    dim: number,
    metric: KernelMetric,
    shift: number,
    decoded: number,
  ): void;
  /**
   * How many of the `count` nodes, sorted leaves with exact distances, hold `share` of the hits that the model (five
   * f32 weights) expects of all of them. `counts`: the live vectors of each leaf. `hits`: room for `count` f32.
   * index/probe-model.ts has the formula.
   */
  chooseProbes(
    nodes: number,
    count: number,
    share: number,
    model: number,
    counts: number,
    hits: number,
  ): number;
  /**
   * Writes for each of nodes [first, count), leaves with their exact distances, how many of its live vectors (`counts`) are to be
   * expected nearer than `kth`, and returns the sum, to which each of the `others` adds the least of them; index/expected-hits.ts has
   * the formula. `hits`: room for `count` f32 and three more.
   */
  expectHits(
    nodes: number,
    first: number,
    count: number,
    leafTable: number,
    counts: number,
    kth: number,
    queryNorm: number,
    dimensions: number,
    metric: KernelMetric,
    others: number,
    hits: number,
  ): number;
  /** Writes the entries of the first `count` nodes, which are leaves with their exact distances; else as `rescore`. */
  listLeaves(
    nodes: number,
    count: number,
    leafTable: number,
    query: number,
    centroids: number,
    dim: number,
    metric: KernelMetric,
    shift: number,
    decoded: number,
    leaves: number,
  ): void;

  /**
   * For each of the `count` rows of a matrix whose numbers `points` holds, the listed centroid c that minimises
   * norms[c] - 2<x,c>. `best`: room of ASSIGN_BEST_BYTES.
   */
  assign(
    matrix: number,
    points: number,
    count: number,
    dim: number,
    centroids: number,
    norms: number,
    list: number,
    listCount: number,
    nearest: number,
    best: number,
  ): void;
  /** Adds each point to the f32 sum of its nearest centroid, and counts it. */
  accumulate(points: number, count: number, dim: number, nearest: number, sums: number, counts: number): void;
  /** Writes the sum of the `count` rows of a matrix whose numbers `list` holds. */
  sumListed(matrix: number, list: number, count: number, dim: number, sum: number): void;
  scaleVector(vector: number, dim: number, factor: number): void;
  squaredNorm(vector: number, dim: number): number;
  /** Scales to unit norm; a zero vector stays zero. */
  normalize(vector: number, dim: number): void;
  /** out = a - b */
  subtract(a: number, b: number, out: number, dim: number): void;

  /**
   * Writes code and factors of one rotated residual to `centroid` into lane `lane` (0-31) of a block. The tables that
   * read it are those of queries that are relative to what `centroid` is relative to; for dot those of any query.
   */
  encode(
    residual: number,
    centroid: number,
    dim: number,
    usedDim: number,
    bits: KernelBits,
    metric: KernelMetric,
    block: number,
    lane: number,
  ): void;
}

const BASELINE_FILE = new URL('./kernels.wasm', import.meta.url);
const RELAXED_FILE = new URL('./kernels-relaxed.wasm', import.meta.url);

let compiled: WebAssembly.Module | undefined;

/** The kernels for this engine (with relaxed SIMD where it is accepted), compiled at the first call on each thread. */
export function compiledKernels(): WebAssembly.Module {
  if (compiled === undefined) {
    const relaxed = readFileSync(RELAXED_FILE);
    // Node 20 has relaxed SIMD behind this flag of its engine.
    if (!WebAssembly.validate(relaxed)) setFlagsFromString('--experimental-wasm-relaxed-simd');
    compiled = new WebAssembly.Module(WebAssembly.validate(relaxed) ? relaxed : readFileSync(BASELINE_FILE));
  }
  return compiled;
}

/** The kernels bound to one shared memory. Cheap: microseconds once the module is compiled. */
export function instantiateKernels(memory: WebAssembly.Memory, module = compiledKernels()): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
