// The stored vectors of a view by position: slots from the leaf-ordered files, then pending rows from the appended ones. Runs on workers.

import type { Precision } from '../contract/index-settings.js';
import { Generation } from '../index/generation.js';
import type { PositionReader, VectorSink } from '../index/query.js';
import { openRowTable } from '../storage/row-table.js';
import { VectorReader } from '../storage/vectors.js';
import type { SearchView } from './messages.js';

/** The index of a view, on this thread. */
export function openGeneration({ memories, settings, slotRows }: SearchView): Generation {
  return new Generation(memories, settings, openRowTable(slotRows));
}

export class ViewVectors implements PositionReader {
  readonly precision: Precision;
  readonly #slots: number;
  readonly #rowBase: number;
  /** Row of a pending position, minus that position. */
  readonly #rowOffset: number;
  readonly #bySlot: VectorReader | undefined;
  readonly #byRow: VectorReader;

  constructor(view: SearchView) {
    this.precision = view.vectors.precision;
    this.#slots = view.slots;
    this.#rowBase = view.rowBase;
    this.#rowOffset = view.rowBase - view.slots;
    this.#bySlot = view.leafVectors ? new VectorReader(view.leafVectors) : undefined;
    this.#byRow = new VectorReader(view.vectors);
  }

  get pendingEnd(): number {
    return Math.max(0, this.#byRow.rowEnd - this.#rowBase);
  }

  copyInto(position: number, target: Uint8Array, offset: number): void {
    if (position < this.#slots) target.set((this.#bySlot as VectorReader).get(position), offset);
    else target.set(this.#byRow.get(position + this.#rowOffset), offset);
  }

  copyListed(positions: Uint32Array, sink: VectorSink): void {
    let slotsEnd = positions.length;
    while (slotsEnd > 0 && (positions[slotsEnd - 1] as number) >= this.#slots) slotsEnd--;
    if (slotsEnd > 0) {
      const slots = { numbers: positions, first: 0, end: slotsEnd, shift: 0 };
      (this.#bySlot as VectorReader).copyListed(slots, sink);
    }
    if (slotsEnd === positions.length) return;
    const rows = { numbers: positions, first: slotsEnd, end: positions.length, shift: this.#rowOffset };
    this.#byRow.copyListed(rows, sink);
  }

  /** The range lies on one side: all slots, or all pending. */
  copyRange(first: number, count: number, target: Uint8Array): void {
    if (first < this.#slots) (this.#bySlot as VectorReader).copyRange(first, count, target);
    else this.#byRow.copyRange(first + this.#rowOffset, count, target);
  }
}
