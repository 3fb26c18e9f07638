// Where one worker thread keeps the mask of a filtered search inside a generation's memories, in the shape of the
// tombstones: a bit for what is excluded, because it does not match or is dead.

import type { Kernels } from '../kernels/kernels.js';
import { LEAF_WORDS, OVERRUN_BYTES } from '../kernels/layout.js';
import { growMemory } from './allocate-memory.js';
import type { CodeMemory } from './code-memory.js';
import type { Generation } from './generation.js';
import { LeafCounts } from './leaf-counts.js';
import { type MatchMask, maskBytes, pendingOffset } from './match-mask.js';
import { PENDING_CHUNK_ROWS } from './memory-layout.js';

/** Pending rows double before the area is made anew. */
const GROWTH = 2;
const PENDING_MIN = 4096;
/** Where rows die all the time, one of them may be missed with what replaces it. */
const ROUNDS_MAX = 4;
/** Words of a leaf's entry; kernels/layout.ts. */
const LEAF_POSITION = 2;
const LEAF_TOMBSTONES = 3;
const LEAF_FIRST_BIT = 4;

/** The part of a mask that a code memory needs, in that memory. */
interface CodeArea {
  memory: CodeMemory;
  address: number;
  /** Slot of its first bit, a multiple of 8. */
  firstSlot: number;
}

export class MaskArea {
  readonly #generation: Generation;
  /** Address of the bits by slot. */
  #slots = 0;
  #bytes = 0;
  #counts: LeafCounts | undefined;
  #codeAreas: CodeArea[] = [];
  #key: number | undefined;
  #deaths = 0;
  #pendingCount = 0;
  #matches = 0;

  constructor(generation: Generation) {
    this.#generation = generation;
  }

  /** Bytes that it adds to the memory of a generation without pending rows, once there is a filtered search. */
  static bytesFor(slots: number, leaves: number): number {
    return LeafCounts.bytesFor(leaves) + maskBytes(slots, PENDING_MIN) + OVERRUN_BYTES;
  }

  /** Live rows that match, and those newer than the mask. */
  get matches(): number {
    return this.#matches;
  }

  /** Pending rows that were there. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Address of the bits by slot, and by pending row. */
  get slotBits(): number {
    return this.#slots;
  }

  get pendingBits(): number {
    return this.#slots + pendingOffset(this.#generation.slots);
  }

  /** Live matches of each leaf, once a mask was loaded. */
  get counts(): LeafCounts {
    return this.#counts as LeafCounts;
  }

  /**
   * Takes a mask in, unless it is the one that is there and nothing has changed since. Rows that are newer than the mask
   * are let through, for whoever gets them to look at: what replaces a point that matches must not be missed.
   */
  load(mask: MatchMask, kernels: Kernels): void {
    const { deaths, pendingCount } = this.#generation;
    const isLoaded = mask.key === this.#key && pendingCount === this.#pendingCount;
    if (isLoaded && deaths === this.#deaths) return;
    this.#reserve(pendingCount);
    let seen: number;
    let rounds = 0;
    do {
      // A row dies after the one that replaces it is there: where none has died meanwhile, the latter is among these.
      seen = this.#generation.deaths;
      this.#read(mask, kernels);
    } while (this.#generation.deaths !== seen && ++rounds < ROUNDS_MAX);
    this.#key = mask.key;
    this.#deaths = seen;
  }

  #read(mask: MatchMask, kernels: Kernels): void {
    const { slots, layout } = this.#generation;
    const bits = this.#generation.bytes(this.#slots, this.#bytes);
    bits.set(new Uint8Array(mask.bits).subarray(0, bits.length));
    letThrough(bits.subarray(pendingOffset(slots)), mask.pendingCount);
    kernels.excludeUnmatched(this.#slots, layout.tombstones, Math.ceil(slots / 8));
    const room = 8 * (this.#bytes - pendingOffset(slots));
    this.#pendingCount = Math.min(this.#generation.pendingCount, room);
    this.#excludePending(this.#pendingCount, kernels);
    this.counts.count(this.#slots, kernels);
    this.#matches = this.counts.slots + kernels.countClear(this.pendingBits, 0, this.#pendingCount);
    for (const area of this.#codeAreas) this.#copyTo(area);
  }

  /** Whether the slot is left out. */
  excludes(slot: number): boolean {
    const [byte] = this.#generation.bytes(this.#slots + (slot >>> 3), 1);
    return (((byte as number) >> (slot & 7)) & 1) === 1;
  }

  /** Lets the scan of a leaf's entry, in whichever memory its codes are, leave out what the mask excludes. */
  mask(leafWords: Uint32Array, entry: number): void {
    const at = entry * LEAF_WORDS;
    const position = leafWords[at + LEAF_POSITION] as number;
    const area = this.#codeAreaOf(position);
    leafWords[at + LEAF_TOMBSTONES] = area?.address ?? this.#slots;
    leafWords[at + LEAF_FIRST_BIT] = position - (area?.firstSlot ?? 0);
  }

  #codeAreaOf(position: number): CodeArea | undefined {
    if (this.#codeAreas.length === 0) return undefined;
    return this.#codeAreas.findLast(({ memory }) => memory.firstSlot <= position);
  }

  #reserve(pendingCount: number): void {
    const { memory, slots, leaves, codeMemories } = this.#generation;
    if (this.#counts !== undefined && maskBytes(slots, pendingCount) <= this.#bytes) return;
    const bytes = maskBytes(slots, GROWTH * pendingCount + PENDING_MIN);
    const countBytes = LeafCounts.bytesFor(leaves);
    // Whatever cannot be had is thrown before anything is kept: no search must write where there is no area.
    const codeAreas = this.#bytes === 0 ? codeMemories.map(codeArea) : this.#codeAreas;
    const counts = growMemory(memory, countBytes + bytes + OVERRUN_BYTES);
    this.#codeAreas = codeAreas;
    this.#counts = new LeafCounts(this.#generation, counts);
    this.#slots = counts + countBytes;
    this.#bytes = bytes;
  }

  #excludePending(pendingCount: number, kernels: Kernels): void {
    for (let row = 0; row < pendingCount; row += PENDING_CHUNK_ROWS) {
      const bytes = Math.ceil(Math.min(PENDING_CHUNK_ROWS, pendingCount - row) / 8);
      const tombstones = this.#generation.chunkAddress(row / PENDING_CHUNK_ROWS);
      kernels.excludeUnmatched(this.pendingBits + row / 8, tombstones, bytes);
    }
  }

  #copyTo({ memory, address, firstSlot }: CodeArea): void {
    const bytes = Math.ceil((memory.firstSlot + memory.slots - firstSlot) / 8);
    const from = this.#generation.bytes(this.#slots + firstSlot / 8, bytes);
    new Uint8Array(memory.memory.buffer, address, bytes).set(from);
  }
}

function codeArea(memory: CodeMemory): CodeArea {
  const firstSlot = memory.firstSlot - (memory.firstSlot % 8);
  const bytes = Math.ceil((memory.firstSlot + memory.slots - firstSlot) / 8) + OVERRUN_BYTES;
  return { memory, address: growMemory(memory.memory, bytes), firstSlot };
}

/** Sets all bits from `first` on. */
function letThrough(bytes: Uint8Array, first: number): void {
  const byte = first >>> 3;
  if (byte >= bytes.length) return;
  bytes[byte] = (bytes[byte] as number) | (0xff << (first & 7));
  bytes.fill(0xff, byte + 1);
}
