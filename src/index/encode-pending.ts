// Codes for rows that came after the build, as residuals to one common centre. Runs on a search worker, one at a time per generation.

import type { Kernels } from '../kernels/kernels.js';
import { BLOCK_VECTORS, METRIC_NUMBER, PRECISION_NUMBER } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import { PENDING_CHUNK_ROWS } from './memory-layout.js';
import type { PositionReader } from './query.js';
import type { Scratch } from './scratch.js';
import { blockBytes, codeDimension, codeWords } from './settings.js';

/** A task encodes no more rows than this: searches wait for it. */
const ROWS_PER_TASK_MAX = 512;

/** Before the first build the centre is the mean of this many rows. */
const CENTRE_ROWS_MAX = 1024;

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
  if (generation.leaves === 0 && !generation.centreReady) {
    writeCentre(Math.min(pending, CENTRE_ROWS_MAX), generation, kernels, reader, scratch);
    generation.publishCentre();
  }
  for (let row = first; row < end; row++) {
    loadRotated(row, generation, kernels, reader, scratch);
    encodeRow(row, generation, kernels, scratch);
  }
  generation.publishEncoded(end);
  return pending - end;
}

/** Leaves the rotated vector (normalised, where the metric is cosine) in `scratch.rotated`. */
function loadRotated(
  row: number,
  generation: Generation,
  kernels: Kernels,
  reader: PositionReader,
  scratch: Scratch,
): void {
  const { settings, layout } = generation;
  const dim = codeDimension(settings.dimension);
  scratch.rotatedVector.fill(0, settings.dimension);
  reader.copyInto(generation.slots + row, scratch.rowBytes, 0);
  kernels.decodeRow(scratch.rows, settings.dimension, PRECISION_NUMBER[reader.precision], scratch.rotated);
  if (settings.metric === 'cosine') kernels.normalize(scratch.rotated, dim);
  kernels.rotate(scratch.rotated, dim, layout.signs);
}

function encodeRow(row: number, generation: Generation, kernels: Kernels, scratch: Scratch): void {
  const { settings, layout } = generation;
  const dim = codeDimension(settings.dimension);
  const inChunk = row % PENDING_CHUNK_ROWS;
  const codes = generation.chunkAddress(Math.floor(row / PENDING_CHUNK_ROWS)) + PENDING_CHUNK_ROWS / 8;
  const { rotated } = scratch;
  if (settings.quantizer === 'sign') {
    kernels.signCode(rotated, dim, codes + inChunk * codeWords(settings.dimension) * 16);
    return;
  }
  const block = codes + Math.floor(inChunk / BLOCK_VECTORS) * blockBytes(settings);
  const metric = METRIC_NUMBER[settings.metric];
  kernels.subtract(rotated, layout.centre, rotated, dim);
  kernels.encode(
    rotated,
    layout.centre,
    layout.centre,
    dim,
    settings.dimension,
    settings.bits,
    metric,
    block,
    inChunk % BLOCK_VECTORS,
  );
}

function writeCentre(
  count: number,
  generation: Generation,
  kernels: Kernels,
  reader: PositionReader,
  scratch: Scratch,
): void {
  const dim = codeDimension(generation.settings.dimension);
  const sums = new Float64Array(dim);
  for (let row = 0; row < count; row++) {
    loadRotated(row, generation, kernels, reader, scratch);
    for (let i = 0; i < dim; i++) sums[i] = (sums[i] as number) + (scratch.rotatedVector[i] as number);
  }
  const centre = new Float32Array(generation.memory.buffer, generation.layout.centre, dim);
  for (let i = 0; i < dim; i++) centre[i] = (sums[i] as number) / count;
}
