// How many vectors of each leaf a search may find: the live ones, or those of them that match its filter. Lives in a worker's
// scratch area, beside a bit for each leaf that has none, in the shape of tombstones: ranking leaves these out.

import type { Kernels } from '../kernels/kernels.js';
import { LEAF, LEAF_WORDS, OVERRUN_BYTES } from '../kernels/layout.js';
import { wholeLines } from './allocate-memory.js';
import type { Generation } from './generation.js';

/** What a search may find. */
export interface Findable {
  readonly counts: LeafCounts;
  /** Whether the slot is left out: it is dead, or does not match. */
  excludes(slot: number): boolean;
}

export class LeafCounts {
  /** Address of one u32 a leaf. */
  readonly address: number;
  /** Address of one bit a leaf: 1 = it has nothing to be found. */
  readonly emptyBits: number;
  readonly values: Uint32Array;
  readonly #generation: Generation;
  readonly #empty: Uint8Array;
  #slots = 0;
  #leaves = 0;

  static bytesFor(leaves: number): number {
    return wholeLines(leaves * 4) + emptyBytes(leaves);
  }

  /** Takes `bytesFor` bytes at `address`. */
  constructor(generation: Generation, address: number) {
    const { memory, leaves } = generation;
    this.#generation = generation;
    this.address = address;
    this.emptyBits = address + wholeLines(leaves * 4);
    this.values = new Uint32Array(memory.buffer, address, leaves);
    this.#empty = new Uint8Array(memory.buffer, this.emptyBits, emptyBytes(leaves));
  }

  /** Of a generation of which nothing is dead. */
  static ofSizes(generation: Generation, address: number): LeafCounts {
    const counts = new LeafCounts(generation, address);
    const { leafTable, leaves, slots } = generation;
    for (let leaf = 0; leaf < leaves; leaf++)
      counts.values[leaf] = leafTable[leaf * LEAF_WORDS + LEAF.count / 4] as number;
    counts.#slots = slots;
    counts.#leaves = leaves;
    return counts;
  }

  /** Of all slots. */
  get slots(): number {
    return this.#slots;
  }

  /** Leaves that have something to be found. */
  get leaves(): number {
    return this.#leaves;
  }

  get hasEmpty(): boolean {
    return this.#leaves < this.values.length;
  }

  /** Counts what the bits at `mask`, one a slot, do not exclude. */
  count(mask: number, kernels: Kernels): void {
    const { layout, leaves } = this.#generation;
    this.#slots = kernels.countMatches(layout.leafTable, leaves, mask, this.address);
    this.#leaves = 0;
    this.#empty.fill(0);
    for (let leaf = 0; leaf < leaves; leaf++) {
      if ((this.values[leaf] as number) > 0) this.#leaves++;
      else this.#empty[leaf >>> 3] = (this.#empty[leaf >>> 3] as number) | (1 << (leaf & 7));
    }
  }
}

/** The live vectors of each leaf, counted again when some have died. */
export class LiveCounts extends LeafCounts implements Findable {
  readonly #generation: Generation;
  #deaths = -1;

  constructor(generation: Generation, address: number) {
    super(generation, address);
    this.#generation = generation;
  }

  get counts(): LeafCounts {
    return this;
  }

  excludes(slot: number): boolean {
    return this.#generation.isDead(slot);
  }

  refresh(kernels: Kernels): void {
    const { deaths, layout } = this.#generation;
    if (deaths === this.#deaths) return;
    this.count(layout.tombstones, kernels);
    this.#deaths = deaths;
  }
}

function emptyBytes(leaves: number): number {
  return wholeLines(Math.ceil(leaves / 8) + OVERRUN_BYTES);
}
