// One generation of a collection's index in shared memory: the header, the fixed regions and the growing part behind them.
// Used on the main thread (publishing, tombstones) and on workers (reading); every call here is O(1) or a view.

import { ServiceError } from '../errors.js';
import { LEAF_ENTRY_BYTES } from '../kernels/layout.js';
import { INDEX_MEMORY_BYTES_MAX } from '../limits.js';
import {
  type LayoutCounts,
  type LevelLayout,
  layOut,
  type MemoryLayout,
  PAGE_BYTES,
  PENDING_CHUNK_ROWS,
  PENDING_CHUNKS_MAX,
  pendingChunkBytes,
  WORD,
} from './memory-layout.js';
import { rotationSigns } from './rotation.js';
import { codeDimension, type IndexSettings } from './settings.js';

export const GENERATION_FORMAT_VERSION = 3;

export class Generation {
  readonly memory: WebAssembly.Memory;
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
  /** The words that change while the generation serves, for atomics. */
  readonly #live: Int32Array;

  /** Wraps a memory whose header is written already. */
  constructor(memory: WebAssembly.Memory, settings: IndexSettings, slotRows: Uint32Array) {
    this.memory = memory;
    this.settings = settings;
    this.slotRows = slotRows;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
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
    return new Generation(memory, settings, slotRows);
  }

  /** Generation 0: no leaves, every row pending. */
  static empty(settings: IndexSettings): Generation {
    return Generation.allocate(settings, { slots: 0, leaves: 0, levelCounts: [], codeBlocks: 0 }, 0);
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

  get centreReady(): boolean {
    return Atomics.load(this.#live, WORD.centreReady) === 1;
  }

  get chunkCount(): number {
    return Atomics.load(this.#live, WORD.chunkCount);
  }

  /** Bytes of the memory by kind; the growing part counts as codes. */
  get bytesByKind(): { treeBytes: number; codesBytes: number } {
    const pendingBytes = this.chunkCount * pendingChunkBytes(this.settings);
    const tombstoneBytes = this.layout.chunkTable - this.layout.tombstones;
    const codesBytes = this.layout.fileBytes - this.layout.codes + tombstoneBytes + pendingBytes;
    return { treeBytes: this.layout.codes, codesBytes };
  }

  /** Workers: codes of pending rows [0, count) are complete. */
  publishEncoded(count: number): void {
    Atomics.store(this.#live, WORD.encodedCount, count);
  }

  publishCentre(): void {
    Atomics.store(this.#live, WORD.centreReady, 1);
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

  /** Searches that start now do not find the vector at `position`. Only one thread may mark. */
  markDead(position: number): void {
    const { address, bit } = this.#tombstone(position);
    this.bytes(address, 1)[0] = (this.bytes(address, 1)[0] as number) | (1 << bit);
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
  'centre',
  'centroids',
  'leafTable',
  'codes',
  'tombstones',
  'chunkTable',
  'end',
  'fileBytes',
] as const;

/** @throws memory_full past 4 GiB, where a wasm32 memory ends. */
export function allocateMemory(bytes: number): WebAssembly.Memory {
  if (bytes > INDEX_MEMORY_BYTES_MAX) throw indexFull(bytes, 0);
  const initial = Math.ceil(bytes / PAGE_BYTES);
  return new WebAssembly.Memory({ initial, maximum: INDEX_MEMORY_BYTES_MAX / PAGE_BYTES, shared: true });
}

/**
 * Adds `bytes` at the end of the memory and returns their address. Growing is atomic: threads that grow at once get areas apart.
 * @throws memory_full
 */
export function growMemory(memory: WebAssembly.Memory, bytes: number): number {
  try {
    return memory.grow(Math.ceil(bytes / PAGE_BYTES)) * PAGE_BYTES;
  } catch {
    throw indexFull(bytes, memory.buffer.byteLength);
  }
}

/** What an area of `bytes` takes in a memory, which grows by pages. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

function indexFull(needed: number, used: number): ServiceError {
  return new ServiceError('memory_full', { needed, used, limit: INDEX_MEMORY_BYTES_MAX });
}
