// One generation of a collection's index in shared memory: the header, the fixed regions and the growing part behind them.
// Used on the main thread (publishing, tombstones) and on workers (reading); every call here is O(1) or a view.

import { LEAF_ENTRY_BYTES } from '../kernels/layout.js';
import { allocateMemory, growMemory, indexFull, wholePages } from './allocate-memory.js';
import { CodeMemory } from './code-memory.js';
import {
  HEADER_BYTES,
  type LayoutCounts,
  type LevelLayout,
  layOut,
  type MemoryLayout,
  NO_COUNTS,
  PENDING_CHUNK_ROWS,
  PENDING_CHUNKS_MAX,
  pendingChunkBytes,
  WORD,
} from './memory-layout.js';
import { rotationSigns } from './rotation.js';
import { codeDimension, type IndexSettings } from './settings.js';

export const GENERATION_FORMAT_VERSION = 6;

export class Generation {
  /** Its own memory: everything but the codes of leaves that have no room there. */
  readonly memory: WebAssembly.Memory;
  /** Those of the other leaves, in the order of their slots; none as long as the codes fit into one memory. */
  readonly codeMemories: readonly CodeMemory[];
  readonly settings: IndexSettings;
  readonly slots: number;
  /** First row that is not in a slot: pending rows count from here. */
  readonly rowBase: number;
  readonly leaves: number;
  readonly layout: MemoryLayout;
  /** The row of each slot: not in the generation's memory, as searches read only those of their answers. */
  readonly slotRows: Uint32Array;
  #bytes: Uint8Array;
  #words: Uint32Array;
  readonly #headerFloats: Float32Array;
  /** The words that change while the generation serves, for atomics. */
  readonly #live: Int32Array;

  /** Wraps memories whose headers are written already: its own, then the others. */
  constructor(memories: readonly WebAssembly.Memory[], settings: IndexSettings, slotRows: Uint32Array) {
    const [memory, ...others] = memories as [WebAssembly.Memory, ...WebAssembly.Memory[]];
    this.memory = memory;
    this.codeMemories = others.map((other) => new CodeMemory(other));
    this.settings = settings;
    this.slotRows = slotRows;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#headerFloats = new Float32Array(memory.buffer, 0, HEADER_BYTES / 4);
    this.#live = new Int32Array(memory.buffer, 0, 8);
    this.slots = this.word(WORD.slots);
    this.rowBase = this.word(WORD.rowBase);
    this.leaves = this.word(WORD.leaves);
    this.layout = this.#readLayout();
    if (slotRows.length !== this.slots)
      throw new RangeError('a generation needs the row of each of its slots');
  }

  /** Memories with room for `counts`, the header and the rotation signs written, everything else zero. */
  static allocate(settings: IndexSettings, counts: LayoutCounts, rowBase: number): Generation {
    const layout = layOut(settings, counts);
    const memory = allocateMemory(layout.end);
    const words = new Uint32Array(memory.buffer);
    words[WORD.formatVersion] = GENERATION_FORMAT_VERSION;
    words[WORD.slots] = counts.slots;
    words[WORD.rowBase] = rowBase;
    words[WORD.leaves] = counts.leaves;
    words[WORD.levels] = layout.levels.length;
    for (const name of REGIONS) words[WORD[name]] = layout[name];
    layout.levels.forEach((level, i) => {
      words.set([level.count, level.blocksAddress, level.childrenAddress], WORD.levelTable + i * 4);
    });
    const signs = new Uint32Array(memory.buffer, layout.signs, 4 * codeDimension(settings.dimension));
    signs.set(rotationSigns(codeDimension(settings.dimension)));
    const slotRows = new Uint32Array(new SharedArrayBuffer(counts.slots * Uint32Array.BYTES_PER_ELEMENT));
    let firstSlot = counts.slots - counts.codeMemories.reduce((sum, { slots }) => sum + slots, 0);
    const others = counts.codeMemories.map((other) => {
      const { memory } = CodeMemory.allocate(settings, other, firstSlot);
      firstSlot += other.slots;
      return memory;
    });
    return new Generation([memory, ...others], settings, slotRows);
  }

  /** Generation 0: no leaves, every row pending. */
  static empty(settings: IndexSettings): Generation {
    return Generation.allocate(settings, NO_COUNTS, 0);
  }

  get memories(): WebAssembly.Memory[] {
    return [this.memory, ...this.codeMemories.map(({ memory }) => memory)];
  }

  /** The code memory with the codes of a slot; undefined where the generation's own has them. */
  codeMemoryOf(slot: number): CodeMemory | undefined {
    return this.codeMemories.findLast(({ firstSlot }) => firstSlot <= slot);
  }

  word(index: number): number {
    return this.#words[index] as number;
  }

  get pendingCount(): number {
    return Atomics.load(this.#live, WORD.pendingCount);
  }

  get encodedCount(): number {
    return Atomics.load(this.#live, WORD.encodedCount);
  }

  /** Whether the origin is known: from the start where it was built, else once rows are encoded. */
  get originReady(): boolean {
    return this.leaves > 0 || Atomics.load(this.#live, WORD.originReady) === 1;
  }

  get chunkCount(): number {
    return Atomics.load(this.#live, WORD.chunkCount);
  }

  /** Bytes of the memories by kind; the growing part counts as codes. */
  get bytesByKind(): { treeBytes: number; codesBytes: number } {
    const pendingBytes = this.chunkCount * pendingChunkBytes(this.settings);
    const tombstoneBytes = this.layout.chunkTable - this.layout.tombstones;
    const ownBytes = this.layout.fileBytes - this.layout.codes + tombstoneBytes + pendingBytes;
    const codesBytes = this.codeMemories.reduce((sum, { end }) => sum + end, ownBytes);
    return { treeBytes: this.layout.codes, codesBytes };
  }

  /** Workers: codes of pending rows [0, count) are complete. */
  publishEncoded(count: number): void {
    Atomics.store(this.#live, WORD.encodedCount, count);
  }

  publishOrigin(): void {
    Atomics.store(this.#live, WORD.originReady, 1);
  }

  /** Bytes of all pending chunks once `reservePending(count)` was called. */
  pendingBytes(count: number): number {
    const chunks = Math.max(this.chunkCount, Math.ceil(count / PENDING_CHUNK_ROWS));
    return chunks * wholePages(pendingChunkBytes(this.settings));
  }

  /**
   * Makes room for `count` pending rows, before their commit.
   * @throws memory_full
   */
  reservePending(count: number): void {
    const wanted = Math.ceil(count / PENDING_CHUNK_ROWS);
    const bytes = pendingChunkBytes(this.settings);
    for (let chunk = this.chunkCount; chunk < wanted; chunk++) {
      if (chunk >= PENDING_CHUNKS_MAX) throw indexFull((wanted - chunk) * bytes, chunk * bytes);
      const address = growMemory(this.memory, bytes);
      this.#words[this.layout.chunkTable / 4 + chunk] = address;
      Atomics.store(this.#live, WORD.chunkCount, chunk + 1);
    }
  }

  /** The main thread, after the commit: searches that start now see pending rows [0, count). */
  publishPending(count: number): void {
    this.reservePending(count);
    Atomics.store(this.#live, WORD.pendingCount, count);
  }

  chunkAddress(chunk: number): number {
    return this.#words[this.layout.chunkTable / 4 + chunk] as number;
  }

  /** The dimensions in which leaves spread; 1 where nothing was calibrated. */
  get spreadDimensions(): number {
    return Math.max(1, this.#headerFloats[WORD.spreadDimensions] as number);
  }

  /** Counts what was marked dead: who has looked at tombstones sees by it whether there are new ones. */
  get deaths(): number {
    return Atomics.load(this.#live, WORD.deaths);
  }

  /** Searches that start now do not find the vector at `position`. Only one thread may mark. */
  markDead(position: number): void {
    const { address, bit } = this.#tombstone(position);
    this.bytes(address, 1)[0] = (this.bytes(address, 1)[0] as number) | (1 << bit);
    if (position < this.slots) this.codeMemoryOf(position)?.markDead(position);
    Atomics.add(this.#live, WORD.deaths, 1);
  }

  isDead(position: number): boolean {
    const { address, bit } = this.#tombstone(position);
    return (((this.bytes(address, 1)[0] as number) >> bit) & 1) === 1;
  }

  /** The row of a position. */
  rowOf(position: number): number {
    if (position >= this.slots) return this.rowBase + position - this.slots;
    return this.slotRows[position] as number;
  }

  /** The entries of all leaves, LEAF_ENTRY_BYTES each, in the order of their slots. */
  get leafTable(): Uint32Array {
    const words = (this.leaves * LEAF_ENTRY_BYTES) / 4;
    return new Uint32Array(this.memory.buffer, this.layout.leafTable, words);
  }

  /** A view on `length` bytes at `address`; the memory may have grown since the last one. */
  bytes(address: number, length: number): Uint8Array {
    if (address + length > this.#bytes.length) this.#bytes = new Uint8Array(this.memory.buffer);
    return this.#bytes.subarray(address, address + length);
  }

  /** The same as u32; `address` is a multiple of 4. */
  words(address: number, length: number): Uint32Array {
    if (address + length * 4 > this.#words.byteLength) this.#words = new Uint32Array(this.memory.buffer);
    return this.#words.subarray(address / 4, address / 4 + length);
  }

  #tombstone(position: number): { address: number; bit: number } {
    if (position < this.slots) {
      return { address: this.layout.tombstones + (position >>> 3), bit: position & 7 };
    }
    const index = position - this.slots;
    const chunk = Math.floor(index / PENDING_CHUNK_ROWS);
    const inChunk = index % PENDING_CHUNK_ROWS;
    return { address: this.chunkAddress(chunk) + (inChunk >>> 3), bit: inChunk & 7 };
  }

  #readLayout(): MemoryLayout {
    const levels: LevelLayout[] = [];
    for (let i = 0; i < this.word(WORD.levels); i++) {
      const at = WORD.levelTable + i * 4;
      levels.push({
        count: this.word(at),
        blocksAddress: this.word(at + 1),
        childrenAddress: this.word(at + 2),
      });
    }
    const regions = Object.fromEntries(REGIONS.map((name) => [name, this.word(WORD[name])]));
    return { ...(regions as Pick<MemoryLayout, (typeof REGIONS)[number]>), levels };
  }
}

const REGIONS = [
  'signs',
  'origin',
  'rotatedOrigin',
  'centroids',
  'leafTable',
  'codes',
  'tombstones',
  'chunkTable',
  'end',
  'fileBytes',
] as const;
