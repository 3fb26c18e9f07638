// Finds the slot of a row: the inverse of a generation's slot -> row table. Made on the main thread, in shared memory; read
// on any.
//
// One bit for every row below the generation's first pending row says whether the row has a slot; the number of set
// bits before it is its rank; `slots[rank]` is the slot. So rows that were replaced long ago cost a bit each, no more.

import { setImmediate } from 'node:timers/promises';

const WORDS_PER_BLOCK = 8;
const ROWS_PER_BLOCK = WORDS_PER_BLOCK * 32;
/** Rows handled between two turns of the event loop. */
const ROWS_PER_TURN = 65_536;

/** Its memory, as it crosses threads. */
export interface RowSlotsTables {
  bits: Uint32Array;
  ranks: Uint32Array;
  slots: Uint32Array;
}

export class RowSlots {
  readonly #bits: Uint32Array;
  /** Set bits before each block of 8 words. */
  readonly #ranks: Uint32Array;
  readonly #slots: Uint32Array;

  /** Over tables that are filled already, or by whoever makes them. */
  constructor({ bits, ranks, slots }: RowSlotsTables) {
    this.#bits = bits;
    this.#ranks = ranks;
    this.#slots = slots;
  }

  get tables(): RowSlotsTables {
    return { bits: this.#bits, ranks: this.#ranks, slots: this.#slots };
  }

  /** What `byteLength` will be. */
  static bytesFor(rowBase: number, slotCount: number): number {
    return (blocksFor(rowBase) * (WORDS_PER_BLOCK + 1) + slotCount) * Uint32Array.BYTES_PER_ELEMENT;
  }

  /** The index of `slotRows`, whose rows are distinct and below `rowBase`. */
  static async of(slotRows: Uint32Array, rowBase: number): Promise<RowSlots> {
    const blocks = blocksFor(rowBase);
    const index = new RowSlots({
      bits: sharedWords(blocks * WORDS_PER_BLOCK),
      ranks: sharedWords(blocks),
      slots: sharedWords(slotRows.length),
    });
    for (let slot = 0; slot < slotRows.length; slot++) {
      if (slot % ROWS_PER_TURN === 0) await setImmediate();
      index.#mark(slotRows[slot] as number);
    }
    await index.#countRanks();
    for (let slot = 0; slot < slotRows.length; slot++) {
      if (slot % ROWS_PER_TURN === 0) await setImmediate();
      index.#slots[index.#rank(slotRows[slot] as number)] = slot;
    }
    return index;
  }

  /** The slot of `row`, or undefined where the generation does not hold the row. */
  slotOf(row: number): number | undefined {
    const word = this.#bits[row >>> 5];
    if (word === undefined || ((word >>> (row & 31)) & 1) === 0) return undefined;
    return this.#slots[this.#rank(row)];
  }

  get byteLength(): number {
    return this.#bits.byteLength + this.#ranks.byteLength + this.#slots.byteLength;
  }

  #mark(row: number): void {
    this.#bits[row >>> 5] = (this.#bits[row >>> 5] as number) | (1 << (row & 31));
  }

  async #countRanks(): Promise<void> {
    let before = 0;
    for (let block = 0; block < this.#ranks.length; block++) {
      if (block % ROWS_PER_TURN === 0) await setImmediate();
      this.#ranks[block] = before;
      const first = block * WORDS_PER_BLOCK;
      for (let word = first; word < first + WORDS_PER_BLOCK; word++)
        before += bitCount(this.#bits[word] as number);
    }
  }

  #rank(row: number): number {
    const word = row >>> 5;
    const block = Math.floor(word / WORDS_PER_BLOCK);
    let rank = this.#ranks[block] as number;
    for (let at = block * WORDS_PER_BLOCK; at < word; at++) rank += bitCount(this.#bits[at] as number);
    const below = (1 << (row & 31)) - 1;
    return rank + bitCount((this.#bits[word] as number) & below);
  }
}

function sharedWords(count: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(count * Uint32Array.BYTES_PER_ELEMENT));
}

function blocksFor(rowBase: number): number {
  return Math.ceil(rowBase / ROWS_PER_BLOCK);
}

/** Set bits of a 32-bit word (the classic sum by pairs, nibbles, bytes). */
function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
