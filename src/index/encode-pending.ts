// Codes for rows that came after the build: as residuals to the centroid of the nearest leaf, or relative to the origin alone where
// they lie far from every leaf. Runs on a search worker, one at a time per generation.

import type { Kernels } from '../kernels/kernels.js';
import { BLOCK_VECTORS, LEAF, LEAF_WORDS, METRIC_NUMBER, PRECISION_NUMBER } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import { CHUNK_CODES_OFFSET, CHUNK_LEAVES_OFFSET, PENDING_CHUNK_ROWS } from './memory-layout.js';
import { medianOf, writeOrigin } from './origin.js';
import type { PositionReader } from './query.js';
import { LeafRanker } from './rank-leaves.js';
import { noLeaf } from './reached-leaves.js';
import type { Scratch } from './scratch.js';
import { blockBytes, centroidBytes, codeDimension, codeWords } from './settings.js';

/** A task encodes no more rows than this: searches wait for it. */
const ROWS_PER_TASK_MAX = 512;

/** Before the first build the origin is the median of so many rows. */
const ORIGIN_ROWS_MAX = 256;
/** A leaf's own vectors are within so many standard deviations of their mean squared distance, all but one in a thousand. */
const SPREAD_DEVIATIONS = 3;

/** Encodes some of the pending rows that have no codes yet, publishes them, and returns how many are left. */
export function encodePending(
  generation: Generation,
  kernels: Kernels,
  reader: PositionReader,
  scratch: Scratch,
): number {
  const pending = Math.min(generation.pendingCount, reader.pendingEnd);
  const first = generation.encodedCount;
  const end = Math.min(pending, first + ROWS_PER_TASK_MAX);
  if (first >= end) return 0;
  if (!generation.originReady) {
    findOrigin(pending, generation, kernels, reader, scratch);
    generation.publishOrigin();
  }
  const encoder = new PendingEncoder(generation, kernels, scratch);
  for (let row = first; row < end; row++) {
    loadRow(row, generation, kernels, reader, scratch);
    encoder.encode(row);
  }
  generation.publishEncoded(end);
  return pending - end;
}

/** Leaves the vector (normalised, where the metric is cosine) in `scratch.rotated`. */
function loadRow(
  row: number,
  generation: Generation,
  kernels: Kernels,
  reader: PositionReader,
  scratch: Scratch,
): void {
  const { settings } = generation;
  const dim = codeDimension(settings.dimension);
  scratch.rotatedVector.fill(0, settings.dimension);
  reader.copyInto(generation.slots + row, scratch.rowBytes, 0);
  kernels.decodeRow(scratch.rows, settings.dimension, PRECISION_NUMBER[reader.precision], scratch.rotated);
  if (settings.metric === 'cosine') kernels.normalize(scratch.rotated, dim);
}

/** The median of rows that are evenly spread over those there are. */
function findOrigin(
  pending: number,
  generation: Generation,
  kernels: Kernels,
  reader: PositionReader,
  scratch: Scratch,
): void {
  const dim = codeDimension(generation.settings.dimension);
  const count = Math.min(pending, ORIGIN_ROWS_MAX);
  const rows = new Float32Array(count * dim);
  for (let i = 0; i < count; i++) {
    loadRow(Math.floor(((i + 0.5) * pending) / count), generation, kernels, reader, scratch);
    rows.set(scratch.rotatedVector, i * dim);
  }
  writeOrigin(generation, kernels, medianOf(rows, count, dim));
}

class PendingEncoder {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;
  readonly #dim: number;
  readonly #meanSquares: Float32Array;

  constructor(generation: Generation, kernels: Kernels, scratch: Scratch) {
    const { leafTable, settings } = generation;
    this.#generation = generation;
    this.#kernels = kernels;
    this.#scratch = scratch;
    this.#ranker = new LeafRanker(generation, kernels, scratch);
    this.#dim = codeDimension(settings.dimension);
    this.#meanSquares = new Float32Array(leafTable.buffer, leafTable.byteOffset, leafTable.length);
  }

  /** Writes code and leaf of the row whose vector stands in `scratch.rotated`, and leaves that in ruins. */
  encode(row: number): void {
    const generation = this.#generation;
    const { settings } = generation;
    const leaf = this.#moveAndFindLeaf();
    const inChunk = row % PENDING_CHUNK_ROWS;
    const chunk = generation.chunkAddress(Math.floor(row / PENDING_CHUNK_ROWS));
    generation.words(chunk + CHUNK_LEAVES_OFFSET, PENDING_CHUNK_ROWS)[inChunk] = leaf;
    const codes = chunk + CHUNK_CODES_OFFSET;
    const { rotated } = this.#scratch;
    if (settings.quantizer === 'sign') {
      this.#kernels.signCode(rotated, this.#dim, codes + inChunk * codeWords(settings.dimension) * 16);
      return;
    }
    const centroid = this.#loadCentroid(leaf);
    const block = codes + Math.floor(inChunk / BLOCK_VECTORS) * blockBytes(settings);
    this.#kernels.subtract(rotated, centroid, rotated, this.#dim);
    this.#kernels.encode(
      ...([rotated, centroid, this.#dim, settings.dimension, settings.bits] as const),
      ...([METRIC_NUMBER[settings.metric], block, inChunk % BLOCK_VECTORS] as const),
    );
  }

  /** Takes the vector relative to the origin and rotates it; returns the nearest leaf, if its own vectors spread about as far. */
  #moveAndFindLeaf(): number {
    const { leaves, settings, layout, spreadDimensions } = this.#generation;
    const { rotated, rotatedVector } = this.#scratch;
    // All sign codes are scanned: they are residuals to nothing.
    const isRanked = leaves > 0 && settings.quantizer === 'rabitq';
    const isDot = settings.metric === 'dot';
    const unmoved = isRanked && isDot ? rotatedVector.slice() : undefined;
    if (unmoved !== undefined) {
      // For dot leaves are ranked by the angle from 0.
      this.#kernels.rotate(rotated, this.#dim, layout.signs);
      this.#rankByCodes();
      rotatedVector.set(unmoved);
    }
    this.#kernels.subtract(rotated, layout.origin, rotated, this.#dim);
    this.#kernels.rotate(rotated, this.#dim, layout.signs);
    if (!isRanked) return noLeaf(this.#generation);
    if (unmoved === undefined) this.#rankByCodes();
    const { leaf, squaredDistance } = this.#ranker.nearestOfRanked();
    const meanSquare = this.#meanSquares[leaf * LEAF_WORDS + LEAF.meanSquare / 4] as number;
    const deviations = SPREAD_DEVIATIONS * Math.sqrt(2 / spreadDimensions);
    return squaredDistance <= meanSquare * (1 + deviations) ? leaf : noLeaf(this.#generation);
  }

  #rankByCodes(): void {
    const { rotated, forms } = this.#scratch;
    this.#kernels.buildTables(rotated, this.#dim, forms.tables, forms.tableOut);
    this.#ranker.rankByCodes();
  }

  /** Address of what the row's code is a residual to. */
  #loadCentroid(leaf: number): number {
    const { layout, settings } = this.#generation;
    if (leaf === noLeaf(this.#generation)) return this.#scratch.zeros;
    const { rows } = this.#scratch;
    const centroid = layout.centroids + leaf * centroidBytes(settings);
    this.#kernels.decodeRow(centroid, this.#dim, PRECISION_NUMBER.int8, rows);
    return rows;
  }
}
