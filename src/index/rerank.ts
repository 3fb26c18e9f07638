// The rerank stage: exact distances of the candidates that may still be among the k nearest. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { METRIC_NUMBER } from '../kernels/layout.js';
import type { CandidateBuffer } from './candidate-buffer.js';
import type { PositionReader } from './query.js';
import { BATCH_ROWS, type Scratch } from './scratch.js';
import type { IndexSettings } from './settings.js';

/** The first round reads this many times k: enough to know a k-th distance that rules most of the others out. */
const FIRST_ROUND_FACTOR = 2;

/**
 * Reads the full vectors of candidates in two rounds and appends their exact distances to `nearest`: the best by
 * estimate first; then, in the order they lie on disk, those whose lower bound does not exceed the k-th distance
 * found so far. Sign codes give no bound: all candidates are read.
 * @returns the number of vectors read
 */
export function rerank(
  k: number,
  settings: IndexSettings,
  kernels: Kernels,
  scratch: Scratch,
  reader: PositionReader,
): number {
  const { candidates, nearest } = scratch;
  kernels.finishBuffer(candidates.address);
  const total = candidates.count;
  const first = settings.quantizer === 'sign' ? total : Math.min(total, FIRST_ROUND_FACTOR * k);
  kernels.partition(candidates.address, first);
  const best = candidates.positions.slice(0, first).sort();
  readInto(best, settings, kernels, scratch, reader);
  const bound = kthDistance(nearest, k, kernels);
  let kept = 0;
  const rest = new Uint32Array(total - first);
  for (let i = first; i < total; i++) {
    if ((candidates.lowers[i] as number) <= bound) rest[kept++] = candidates.positions[i] as number;
  }
  readInto(rest.subarray(0, kept).sort(), settings, kernels, scratch, reader);
  return first + kept;
}

/** Largest of the k smallest distances in the buffer; infinity while there are fewer. */
function kthDistance(nearest: CandidateBuffer, k: number, kernels: Kernels): number {
  if (nearest.count < k) return Number.POSITIVE_INFINITY;
  kernels.partition(nearest.address, k);
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < k; i++) largest = Math.max(largest, nearest.estimates[i] as number);
  return largest;
}

/** Copies the vectors into wasm memory, 64 at a time: 1.3-1.8x faster than a scalar loop over the mapped view. */
function readInto(
  positions: Uint32Array,
  settings: IndexSettings,
  kernels: Kernels,
  scratch: Scratch,
  reader: PositionReader,
): void {
  const { nearest, rowVectors } = scratch;
  const { dimension } = settings;
  for (let start = 0; start < positions.length; start += BATCH_ROWS) {
    const count = Math.min(BATCH_ROWS, positions.length - start);
    for (let i = 0; i < count; i++)
      reader.copyInto(positions[start + i] as number, rowVectors, i * dimension);
    const at = nearest.count;
    const out = nearest.estimates.byteOffset + at * 4;
    kernels.distances(scratch.query, scratch.rows, count, dimension, METRIC_NUMBER[settings.metric], out);
    nearest.positions.set(positions.subarray(start, start + count), at);
    nearest.count = at + count;
  }
}
