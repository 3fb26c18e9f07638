// Comparing the query with full vectors, batch by batch: exact search, and rows whose codes are not made yet. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { METRIC_NUMBER, PRECISION_NUMBER } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import { PENDING_CHUNK_ROWS } from './memory-layout.js';
import type { PositionReader } from './query.js';
import { readRows } from './rerank.js';
import { BATCH_ROWS, type Scratch } from './scratch.js';

/** Where more than this share matches, reading all vectors one after the other costs less than picking them out. */
const RANGE_SHARE = 0.4;

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

  /**
   * Pushes the live ones of slots [first, end) with their exact distances into the `nearest` buffer. `dead` is the address
   * of the bits that tell: the tombstones, or the mask of a filter.
   */
  scanSlots(first: number, end: number, dead = this.#generation.layout.tombstones): void {
    for (let slot = first; slot < end; slot += BATCH_ROWS) {
      const count = Math.min(BATCH_ROWS, end - slot);
      this.#push(slot, count, dead, slot);
    }
  }

  /**
   * Pushes those of slots [first, end), and of pending rows [firstRow, endRow), that the mask of the filter leaves;
   * returns their number.
   */
  scanMatches([first, end]: [number, number], [firstRow, endRow]: [number, number]): number {
    const { mask } = this.#scratch;
    const { slots } = this.#generation;
    const pending = this.#scanListed(mask.pendingBits, firstRow, endRow, slots);
    const matches = this.#kernels.countClear(mask.slotBits, first, end);
    if (matches <= RANGE_SHARE * (end - first))
      return this.#scanListed(mask.slotBits, first, end, 0) + pending;
    this.scanSlots(first, end, mask.slotBits);
    return matches + pending;
  }

  /** `shift`: from a bit's number to the position. */
  #scanListed(bits: number, first: number, end: number, shift: number): number {
    const { positions } = this.#scratch;
    const { settings } = this.#generation;
    const max = positions.length;
    let next = first;
    let scanned = 0;
    for (;;) {
      const { byteOffset } = positions;
      const count = this.#kernels.listClear(bits, next, end, shift + next, byteOffset, max);
      readRows(count, settings, this.#kernels, this.#scratch, this.#reader);
      scanned += count;
      if (count < max) return scanned;
      next = (positions[max - 1] as number) - shift + 1;
    }
  }

  /** The same as `scanSlots` for pending rows [first, end); where the search has a filter, by its mask. */
  scanPending(first: number, end: number, isFiltered = false): void {
    const { mask } = this.#scratch;
    let row = first;
    while (row < end) {
      const chunk = Math.floor(row / PENDING_CHUNK_ROWS);
      const inChunk = row % PENDING_CHUNK_ROWS;
      const count = Math.min(BATCH_ROWS, end - row, PENDING_CHUNK_ROWS - inChunk);
      const position = this.#generation.slots + row;
      if (isFiltered) this.#push(position, count, mask.pendingBits, row);
      else this.#push(position, count, this.#generation.chunkAddress(chunk), inChunk);
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
