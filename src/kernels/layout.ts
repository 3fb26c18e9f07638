// Owns the memory layouts that kernels and their callers share (any thread): sizes, offsets and codes of what is
// passed by address. Everything is little-endian and starts on 16 bytes.

import type { KernelMetric, KernelPrecision } from './kernels.js';

/** Vectors in a code block. */
export const BLOCK_VECTORS = 32;
/**
 * Three factors (add, rescale, error) for each vector of a block, each as the upper half of a float32 (bfloat16): 32 of
 * one kind, then 32 of the next.
 */
export const BLOCK_FACTOR_BYTES = 3 * 2 * BLOCK_VECTORS;
/** scale, sum of minima, sum of the query, 0: the four f32 that `buildTables` writes. */
export const TABLE_OUT_BYTES = 16;

/**
 * One leaf to scan.
 *
 * | offset | type | meaning |
 * |---|---|---|
 * | 0 | u32 | address of the first block (or of the first sign code) |
 * | 4 | u32 | vectors in the leaf |
 * | 8 | u32 | position of the first vector |
 * | 12 | u32 | address of the tombstone bits; 0: none is dead |
 * | 16 | u32 | tombstone bit of the first vector |
 * | 20 | f32 | constant added to every estimate |
 * | 24 | f32 | factor of the error: distance of query and centroid, for dot the query's norm |
 * | 28 | u32 | 0; or the address of the number of each vector's own leaf |
 *
 * Where vectors have leaves of their own, 20 and 24 are the addresses of those two numbers of each leaf; a leaf that the query
 * does not reach has an infinite constant. In a generation's table of leaves, before any query:
 *
 * | offset | type | meaning |
 * |---|---|---|
 * | 20 | u32 | 0 |
 * | 24 | f32 | length of the centroid |
 * | 28 | f32 | mean squared distance of the leaf's vectors from its centroid |
 */
export const LEAF_ENTRY_BYTES = 32;
export const LEAF = {
  blocks: 0,
  count: 4,
  firstPosition: 8,
  tombstones: 12,
  firstBit: 16,
  constant: 20,
  errorScale: 24,
  centroidNorm: 24,
  leafNumbers: 28,
  meanSquare: 28,
};
export const LEAF_WORDS = LEAF_ENTRY_BYTES / 4;

/**
 * The header of a candidate buffer. `capacity` is at least twice `keep`, and 32 more than it; a fresh buffer has count 0, pushed 0 and
 * threshold +Infinity.
 *
 * | offset | type | meaning |
 * |---|---|---|
 * | 0 | u32 | count |
 * | 4 | u32 | capacity |
 * | 8 | u32 | keep: how many a selection leaves |
 * | 12 | f32 | threshold: only smaller estimates enter |
 * | 16 | u32 | address of the candidates |
 * | 20 | u32 | candidates pushed so far |
 * | 32 | 32 x f32 | the estimates of the block that a scan is at |
 */
export const BUFFER_HEADER_BYTES = 160;
export const BUFFER = { count: 0, capacity: 4, keep: 8, threshold: 12, candidates: 16, pushed: 20 };

/**
 * One candidate.
 *
 * | offset | type | meaning |
 * |---|---|---|
 * | 0 | u32 | position |
 * | 4 | u32 | the estimate's bits: all of them flipped if it is negative, else the sign bit. Ordered like the estimates |
 * | 8 | u32, f32 | address of the first of its factors; after `boundCandidates` the lower bound |
 * | 12 | f32 | factor of the error |
 */
export const CANDIDATE_BYTES = 16;
export const CANDIDATE = { position: 0, order: 4, bound: 8 };

/** The numbers by which kernels know a metric. */
export const METRIC_NUMBER = { l2: 0, cosine: 1, dot: 2 } as const satisfies Record<string, KernelMetric>;
/** The numbers by which kernels know the precision of stored rows, whose bytes contract/stored-vector.ts describes. */
export const PRECISION_NUMBER = { float32: 0, float16: 1, int8: 2 } as const satisfies Record<
  string,
  KernelPrecision
>;
/** What a stored row of any precision has at most beside its numbers: scale, sum of squares, filling. */
export const ROW_HEAD_BYTES_MAX = 12;
/** Kernels load up to so many bytes past the last row. */
export const OVERRUN_BYTES = 16;

/**
 * Bytes of a query as `quantizeQuery` writes it.
 *
 * | offset | type | meaning |
 * |---|---|---|
 * | 0 | f64 | step |
 * | 8 | f64 | sum of the squares of the numbers |
 * | 16 | i16 x dim | numbers, each a coordinate over the step, to 32767; zeros up to a multiple of 16 |
 * | 16 + 2 x that multiple | f32 x dim | the query as it came, for the rows next to it |
 */
export function quantizedQueryBytes(dim: number): number {
  return 16 + Math.ceil(dim / 16) * 32 + dim * 4;
}

/** Room for the smallest value of each of the points `assign` is at: 24 KiB of points, of 8 dimensions at least. */
export const ASSIGN_BEST_BYTES = (24576 / 32) * 4;

/** Bytes of the query tables: 16 entries for each four dimensions. */
export function tableBytes(dim: number): number {
  return (dim / 4) * 16;
}

/** Bytes of the codes of one block, plane by plane, the most significant bits first. */
export function codeBytes(dim: number, bits: number): number {
  return (dim / 4) * bits * 16;
}

/** Bytes of a block of 32 vectors: codes, then factors. */
export function blockBytes(dim: number, bits: number): number {
  return codeBytes(dim, bits) + BLOCK_FACTOR_BYTES;
}

/** 16-byte words of one sign code. */
export function signWords(dim: number): number {
  return Math.ceil(dim / 128);
}
