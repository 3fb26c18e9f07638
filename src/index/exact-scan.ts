// Comparing the query with full vectors, batch by batch: exact search, and rows whose codes are not made yet. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { METRIC_NUMBER, PRECISION_NUMBER } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import { PENDING_CHUNK_ROWS } from './memory-layout.js';
import type { PositionReader } from './query.js';
import { BATCH_ROWS, type Scratch } from './scratch.js';

export class ExactScanner {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  readonly #reader: PositionReader;

  constructor(generation: Generation, kernels: Kernels, scratch: Scratch, reader: PositionReader) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#scratch = scratch;
    this.#reader = reader;
  }

  /** Pushes the live ones of slots [first, end) with their exact distances into the `nearest` buffer. */
  scanSlots(first: number, end: number): void {
    const { tombstones } = this.#generation.layout;
    for (let slot = first; slot < end; slot += BATCH_ROWS) {
      const count = Math.min(BATCH_ROWS, end - slot);
      this.#push(slot, count, tombstones, slot);
    }
  }

  /** The same for pending rows [first, end). */
  scanPending(first: number, end: number): void {
    let row = first;
    while (row < end) {
      const chunk = Math.floor(row / PENDING_CHUNK_ROWS);
      const inChunk = row % PENDING_CHUNK_ROWS;
      const count = Math.min(BATCH_ROWS, end - row, PENDING_CHUNK_ROWS - inChunk);
      this.#push(this.#generation.slots + row, count, this.#generation.chunkAddress(chunk), inChunk);
      row += count;
    }
  }

  #push(position: number, count: number, tombstones: number, firstBit: number): void {
    const { rows, rowBytes, nearest } = this.#scratch;
    const { dimension, metric } = this.#generation.settings;
    const { precision } = this.#reader;
    this.#reader.copyRange(position, count, rowBytes);
    this.#kernels.pushExact(
      this.#scratch.queryFor(precision),
      rows,
      count,
      dimension,
      METRIC_NUMBER[metric],
      PRECISION_NUMBER[precision],
      position,
      tombstones,
      firstBit,
      nearest.address,
    );
  }
}
