// A generation in service: its shared memory, where its rows are, and how many of them are dead. Main thread, which
// alone publishes rows and marks them dead.

import type { Backend } from '../contract/index-settings.js';
import { Generation } from '../index/generation.js';
import { NO_COUNTS } from '../index/memory-layout.js';
import { RowSlots } from '../index/row-slots.js';
import type { IndexSettings } from '../index/settings.js';
import type { RowTable } from '../storage/row-table.js';
import type { VectorsDescriptor } from '../storage/vectors.js';
import type { BuildFacts, LoadedGeneration } from '../workers/generation-files.js';
import { withBackend } from './leaf-vectors.js';
import type { MemoryClaim } from './memory-budget.js';

export interface ServedGenerationParts {
  /** Generation 0 is the empty one, before any build. */
  number: number;
  generation: Generation;
  rowSlots: RowSlots;
  /** The full vectors by slot; null where there are no slots. */
  leafVectors: VectorsDescriptor | null;
  slotRows: RowTable;
  /** How it was built; generation 0 was not. */
  facts: BuildFacts | null;
  /** What it holds of the RAM there is, as `generationBytes` counts it; it grows with the pending rows. */
  claim: MemoryClaim;
}

export class ServedGeneration {
  readonly number: number;
  readonly generation: Generation;
  readonly facts: BuildFacts | null;
  leafVectors: VectorsDescriptor | null;
  readonly slotRows: RowTable;
  readonly claim: MemoryClaim;
  readonly rowSlots: RowSlots;
  /** Of the claim, what does not grow. */
  readonly #fixedBytes: number;
  #deadSlots = 0;
  #deadPending = 0;

  constructor(parts: ServedGenerationParts) {
    this.number = parts.number;
    this.generation = parts.generation;
    this.facts = parts.facts;
    this.leafVectors = parts.leafVectors;
    this.slotRows = parts.slotRows;
    this.claim = parts.claim;
    this.#fixedBytes = parts.claim.bytes;
    this.rowSlots = parts.rowSlots;
  }

  /** A generation without slots: all rows from `rowBase` on are pending. */
  static async empty(
    settings: IndexSettings,
    rowBase: number,
    claim: MemoryClaim,
  ): Promise<ServedGeneration> {
    const generation = Generation.allocate(settings, NO_COUNTS, rowBase);
    const rowSlots = await RowSlots.of(generation.slotRows, rowBase);
    const slotRows = { buffer: new SharedArrayBuffer(0) };
    const parts = { generation, rowSlots, leafVectors: null, slotRows, facts: null, claim };
    return new ServedGeneration({ number: 0, ...parts });
  }

  /** A generation as a build or a file gives it. */
  static async of(
    number: number,
    loaded: LoadedGeneration,
    backend: Backend,
    claim: MemoryClaim,
  ): Promise<ServedGeneration> {
    const { generation, facts, slotRows } = loaded;
    const rowSlots = await RowSlots.of(generation.slotRows, generation.rowBase);
    const leafVectors = await withBackend(loaded.leafVectors, backend);
    return new ServedGeneration({ number, generation, rowSlots, leafVectors, slotRows, facts, claim });
  }

  /** Live points with a slot. */
  get indexedCount(): number {
    return this.generation.slots - this.#deadSlots;
  }

  /** Live points without a slot. */
  get pendingCount(): number {
    return this.generation.pendingCount - this.#deadPending;
  }

  /** Stored vectors of points that were replaced or deleted; the next build leaves them out. */
  get deadCount(): number {
    return this.#deadSlots + this.#deadPending;
  }

  /** RAM of the row -> slot table. */
  get rowSlotsBytes(): number {
    return this.rowSlots.byteLength;
  }

  /** Claims what `reserve(nextRow)` will allocate. @throws memory_full */
  claimRows(nextRow: number): void {
    const pendingBytes = this.generation.pendingBytes(nextRow - this.generation.rowBase);
    this.claim.resize(this.#fixedBytes + pendingBytes);
  }

  /** Makes sure that `publish(nextRow)` will have room, which was claimed. @throws memory_full at 4 GiB */
  reserve(nextRow: number): void {
    this.generation.reservePending(nextRow - this.generation.rowBase);
  }

  /** Rows below `nextRow` are found by searches that start now. */
  publish(nextRow: number): void {
    this.generation.publishPending(nextRow - this.generation.rowBase);
  }

  /** Whether the row has a place here, dead or alive. */
  holds(row: number): boolean {
    return row >= this.generation.rowBase || this.rowSlots.slotOf(row) !== undefined;
  }

  /** The slot of a row of this generation; undefined for pending rows and for rows it does not hold. */
  slotOf(row: number): number | undefined {
    return this.rowSlots.slotOf(row);
  }

  /** Searches that start now do not find the row; it is published, or not held here at all. */
  markDead(row: number): void {
    const pending = row >= this.generation.rowBase;
    const slot = pending ? undefined : this.rowSlots.slotOf(row);
    const position = pending ? this.generation.slots + row - this.generation.rowBase : slot;
    if (position === undefined || this.generation.isDead(position)) return;
    this.generation.markDead(position);
    if (pending) this.#deadPending++;
    else this.#deadSlots++;
  }
}
