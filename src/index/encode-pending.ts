// Codes for rows that came after the build, relative to the origin alone. Runs on a search worker, one at a time per generation.

import type { Kernels } from '../kernels/kernels.js';
import { BLOCK_VECTORS, METRIC_NUMBER, PRECISION_NUMBER } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import { PENDING_CHUNK_ROWS } from './memory-layout.js';
import { medianOf, writeOrigin } from './origin.js';
import type { PositionReader } from './query.js';
import type { Scratch } from './scratch.js';
import { blockBytes, codeDimension, codeWords } from './settings.js';

/** A task encodes no more rows than this: searches wait for it. */
const ROWS_PER_TASK_MAX = 512;

/** Before the first build the origin is the median of so many rows. */
const ORIGIN_ROWS_MAX = 256;

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
  for (let row = first; row < end; row++) {
    loadRow(row, generation, kernels, reader, scratch);
    encodeRow(row, generation, kernels, scratch);
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

/** Encodes the vector in `scratch.rotated`, and leaves it in ruins. */
function encodeRow(row: number, generation: Generation, kernels: Kernels, scratch: Scratch): void {
  const { settings, layout } = generation;
  const dim = codeDimension(settings.dimension);
  const inChunk = row % PENDING_CHUNK_ROWS;
  const codes = generation.chunkAddress(Math.floor(row / PENDING_CHUNK_ROWS)) + PENDING_CHUNK_ROWS / 8;
  const { rotated, zeros } = scratch;
  kernels.subtract(rotated, layout.origin, rotated, dim);
  kernels.rotate(rotated, dim, layout.signs);
  if (settings.quantizer === 'sign') {
    kernels.signCode(rotated, dim, codes + inChunk * codeWords(settings.dimension) * 16);
    return;
  }
  const block = codes + Math.floor(inChunk / BLOCK_VECTORS) * blockBytes(settings);
  const metric = METRIC_NUMBER[settings.metric];
  kernels.encode(
    rotated,
    zeros,
    dim,
    settings.dimension,
    settings.bits,
    metric,
    block,
    inChunk % BLOCK_VECTORS,
  );
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
