// The rerank stage: exact distances of the candidates that may still be among the k nearest. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { METRIC_NUMBER, PRECISION_NUMBER } from '../kernels/layout.js';
import type { CandidateBuffer } from './candidate-buffer.js';
import type { PositionReader } from './query.js';
import { BATCH_ROWS, type Scratch } from './scratch.js';
import { codeDimension, type IndexSettings } from './settings.js';

/** The first round reads this many times k: enough to know a k-th distance that rules most of the others out. */
export const FIRST_ROUND_FACTOR = 2;

const WIDTHS_LOOKED_AT = 64;

/**
 * Reads the full vectors of candidates in two rounds and pushes their exact distances to `nearest`: the best by
 * estimate first; then, in the order they lie on disk, those whose lower bound does not exceed the k-th distance
 * found so far. Sign codes give no bound: all candidates are read.
 * @returns the number of vectors read; and the k-th distance where there were too few candidates: their bounds rule none of
 * them out, and the worst of them is estimated nearer than the k-th is, so that those not kept may be nearer, too. `reserve`:
 * how far beyond the k-th what was not kept is estimated, in widths of an error bound
 */
export function rerank(
  k: number,
  settings: IndexSettings,
  kernels: Kernels,
  scratch: Scratch,
  reader: PositionReader,
): { count: number; reserve: number; crowdedAt?: number } {
  const { candidates, nearest, forms, positions } = scratch;
  const { address } = candidates;
  kernels.finishBuffer(address);
  const total = candidates.count;
  const read = (first: number, end: number, boundMax: number): number => {
    const count = kernels.listPositions(address, first, end, boundMax, positions.byteOffset);
    readRows(count, settings, kernels, scratch, reader);
    return count;
  };
  if (settings.quantizer === 'sign') {
    return { count: read(0, total, Number.POSITIVE_INFINITY), reserve: Number.POSITIVE_INFINITY };
  }
  const first = Math.min(total, FIRST_ROUND_FACTOR * k);
  kernels.boundCandidates(
    address,
    forms.tableOut,
    codeDimension(settings.dimension),
    settings.bits,
    METRIC_NUMBER[settings.metric],
  );
  const width = boundWidth(candidates);
  kernels.partition(address, first);
  read(0, first, Number.POSITIVE_INFINITY);
  const count = first + read(first, total, kthDistance(nearest, k, kernels));
  const kth = kthDistance(nearest, k, kernels);
  // None were left out while there is no threshold.
  const isFull = candidates.threshold < Number.POSITIVE_INFINITY;
  const reserve = isFull ? (candidates.threshold - kth) / width : Number.POSITIVE_INFINITY;
  return { count, reserve, ...(isFull && count === total && reserve <= 0 && { crowdedAt: kth }) };
}

/** Mean of some candidates' bounds: from the estimate to the lower bound. Before any of them is listed. */
function boundWidth(candidates: CandidateBuffer): number {
  const looked = Math.min(candidates.count, WIDTHS_LOOKED_AT);
  let sum = 0;
  for (let i = 0; i < looked; i++) sum += candidates.estimateAt(i) - candidates.lowerBoundAt(i);
  return Math.max(Number.MIN_VALUE, sum / looked);
}

/**
 * The k-th distance, if candidates will be crowded out by the end of the scan; for the price of the first round. Where half of
 * them are estimated nearer than the k-th is, the leaves still to be scanned crowd the others out. Leaves `nearest` empty.
 */
export function crowdingAt(
  k: number,
  settings: IndexSettings,
  kernels: Kernels,
  scratch: Scratch,
  reader: PositionReader,
): number | undefined {
  const { candidates, nearest, positions } = scratch;
  kernels.finishBuffer(candidates.address);
  if (candidates.threshold === Number.POSITIVE_INFINITY || settings.quantizer === 'sign') return undefined;
  const first = Math.min(candidates.count, FIRST_ROUND_FACTOR * k);
  kernels.partition(candidates.address, first);
  for (let i = 0; i < first; i++) positions[i] = candidates.positionAt(i);
  positions.subarray(0, first).sort();
  readRows(first, settings, kernels, scratch, reader);
  const half = Math.ceil(candidates.count / 2);
  kernels.partition(candidates.address, half);
  const kth = kthDistance(nearest, k, kernels);
  nearest.reset(nearest.keep);
  return candidates.estimateAt(half - 1) <= kth ? kth : undefined;
}

/** Largest of the k smallest distances in the buffer; infinity while there are fewer. */
function kthDistance(nearest: CandidateBuffer, k: number, kernels: Kernels): number {
  if (nearest.count < k) return Number.POSITIVE_INFINITY;
  kernels.partition(nearest.address, k);
  return nearest.estimateAt(k - 1);
}

/**
 * Pushes the exact distances of the first `count` of `scratch.positions` to `nearest`. The vectors are copied into wasm memory, 64 at a time: 1.3-1.8x
 * faster than a scalar loop over the mapped view.
 */
export function readRows(
  count: number,
  settings: IndexSettings,
  kernels: Kernels,
  scratch: Scratch,
  reader: PositionReader,
): void {
  const { rows, rowBytes, positions, nearest } = scratch;
  const { dimension } = settings;
  const metric = METRIC_NUMBER[settings.metric];
  const precision = PRECISION_NUMBER[reader.precision];
  const query = scratch.queryFor(reader.precision);
  reader.copyListed(positions.subarray(0, count), {
    target: rowBytes,
    batchRows: BATCH_ROWS,
    take(first, batch) {
      const listed = positions.byteOffset + first * 4;
      kernels.pushRows(query, rows, listed, batch, dimension, metric, precision, nearest.address);
    },
  });
}
