// What a collection's index is made from: its settings and the sizes that follow from them. Runs on any thread.

import { rowBytes } from '../contract/stored-vector.js';
import { BLOCK_VECTORS, blockBytes as kernelBlockBytes, signWords } from '../kernels/layout.js';
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

/**
 * Fewer dimensions need more bits each to tell neighbours apart: with 100 dimensions 2 bits halve the
 * rerank, from 256 on 1 bit is enough (measured in docs/decisions/0003-code-bits.md).
 */
export function defaultBits(dimension: number): Bits {
  if (dimension < 48) return 4;
  return dimension < 256 ? 2 : 1;
}

/**
 * Smaller leaves are fewer vectors to scan for the same recall, and more of what a leaf costs in RAM: its centroid, and
 * half a block of codes that is filled up. With few dimensions that is little, with 768 it is 2.4 KB.
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
export function codeWords(dimension: number): number {
  return signWords(codeDimension(dimension));
}

/** Bytes of a leaf's rotated centroid: an int8 row, whose rounding costs nothing as codes are relative to it. */
export function centroidBytes(settings: IndexSettings): number {
  return rowBytes({ dimension: codeDimension(settings.dimension), precision: 'int8' });
}

/** Bytes of 32 RaBitQ codes of the tree's nodes, with their factors. */
export function nodeBlockBytes(settings: IndexSettings): number {
  return kernelBlockBytes(codeDimension(settings.dimension), settings.bits);
}

/** Bytes of 32 vectors' codes, whichever quantizer made them. */
export function blockBytes(settings: IndexSettings): number {
  if (settings.quantizer === 'sign') return BLOCK_VECTORS * codeWords(settings.dimension) * 16;
  return nodeBlockBytes(settings);
}
