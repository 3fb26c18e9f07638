// What a collection's index is made from: its settings and the sizes that follow from them. Runs on any thread.

import {
  BRANCHING_FACTOR_DEFAULT,
  ITERATIONS_DEFAULT,
  LEAF_SIZE_DEFAULT,
  LEAF_SIZE_DEFAULT_NARROW,
} from '../limits.js';

export type Metric = 'l2' | 'cosine' | 'dot';
export type Quantizer = 'rabitq' | 'sign';
export type Bits = 1 | 2 | 4;

export interface IndexSettings {
  dimension: number;
  metric: Metric;
  quantizer: Quantizer;
  /** Bits per dimension of a code; 1 where the quantizer is `sign`. */
  bits: Bits;
  branchingFactor: number;
  maxLeafSize: number;
  maxIterations: number;
}

/** The numbers by which kernels know the metrics. */
export const METRIC_CODES = { l2: 0, cosine: 1, dot: 2 } as const satisfies Record<Metric, number>;

/** Vectors of a code block: FastScan looks up 32 at a time. */
export const BLOCK_VECTORS = 32;

/** One code's three float32 factors: add, rescale, error. */
const FACTOR_BYTES = 12;

/**
 * Fewer dimensions need more bits each to tell neighbours apart: with 100 dimensions 2 bits halve the
 * rerank, from 256 on 1 bit is enough (measured in docs/decisions/0003-code-bits.md).
 */
export function defaultBits(dimension: number): Bits {
  if (dimension < 48) return 4;
  return dimension < 256 ? 2 : 1;
}

/**
 * Smaller leaves are fewer vectors to scan for the same recall, and more centroids in RAM: a float32 centroid of few
 * dimensions costs little, one of 768 is worth 30 codes.
 */
export function defaultMaxLeafSize(dimension: number): number {
  return dimension < 256 ? LEAF_SIZE_DEFAULT_NARROW : LEAF_SIZE_DEFAULT;
}

/** Fills in what the caller left open. */
export function completeSettings(
  given: Partial<IndexSettings> & Pick<IndexSettings, 'dimension' | 'metric'>,
): IndexSettings {
  const quantizer = given.quantizer ?? 'rabitq';
  return {
    dimension: given.dimension,
    metric: given.metric,
    quantizer,
    bits: quantizer === 'sign' ? 1 : (given.bits ?? defaultBits(given.dimension)),
    branchingFactor: given.branchingFactor ?? BRANCHING_FACTOR_DEFAULT,
    maxLeafSize: given.maxLeafSize ?? defaultMaxLeafSize(given.dimension),
    maxIterations: given.maxIterations ?? ITERATIONS_DEFAULT,
  };
}

/** Floats of a rotated vector: kernels take two groups of four dimensions at a time. */
export function codeDimension(dimension: number): number {
  return Math.ceil(dimension / 8) * 8;
}

/** 16-byte words of one sign code. */
export function signWords(dimension: number): number {
  return Math.ceil(codeDimension(dimension) / 128);
}

/** Bytes of 32 RaBitQ codes of `bits` bits with their factors. */
export function rabitqBlockBytes(dimension: number, bits: Bits): number {
  return (codeDimension(dimension) / 4) * bits * 16 + BLOCK_VECTORS * FACTOR_BYTES;
}

/** Bytes of 32 vectors' codes, whichever quantizer made them. */
export function blockBytes(settings: IndexSettings): number {
  if (settings.quantizer === 'sign') return BLOCK_VECTORS * signWords(settings.dimension) * 16;
  return rabitqBlockBytes(settings.dimension, settings.bits);
}
