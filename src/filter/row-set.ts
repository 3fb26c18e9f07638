// Sets of rows, as compressed bitmaps in WebAssembly memory: the only module that knows roaring-wasm. Runs on any thread.

import { RoaringBitmap32, roaringLibraryInitialize } from 'roaring-wasm';

await roaringLibraryInitialize();

/** Estimates: a bitmap without rows (two objects, the finalizer's entry, the allocator's share), and a block of it. */
const EMPTY_BYTES = 300;
const BLOCK_BYTES = 48;
/** A bitmap keeps the rows of each block of this many apart. */
const BLOCK_ROWS = 65_536;

/**
 * A set of rows (u32). It holds memory that garbage collection does not see: who owns a set calls `dispose`, above all
 * on what is needed for one answer only. One that was forgotten is freed by a finalizer, some time.
 */
export class RowSet {
  readonly #bitmap: RoaringBitmap32;

  constructor(bitmap?: RoaringBitmap32) {
    this.#bitmap = bitmap ?? new RoaringBitmap32();
  }

  static of(rows: Uint32Array | readonly number[]): RowSet {
    return new RowSet().addMany(rows);
  }

  get size(): number {
    return this.#bitmap.size;
  }

  get isEmpty(): boolean {
    return this.#bitmap.isEmpty;
  }

  /** RAM it holds, estimated. */
  get bytes(): number {
    const { size } = this;
    if (size === 0) return EMPTY_BYTES;
    const span = this.#bitmap.maximum() - this.#bitmap.minimum();
    const blocks = Math.min(size, Math.floor(span / BLOCK_ROWS) + 1);
    return EMPTY_BYTES + blocks * BLOCK_BYTES + this.#bitmap.getSerializationSizeInBytes('portable');
  }

  has(row: number): boolean {
    return this.#bitmap.has(row);
  }

  add(row: number): void {
    this.#bitmap.add(row);
  }

  delete(row: number): void {
    this.#bitmap.remove(row);
  }

  addMany(rows: Uint32Array | readonly number[]): this {
    this.#bitmap.addMany(rows instanceof Uint32Array ? rows : Uint32Array.from(rows));
    return this;
  }

  /** All rows from `start` up to but not including `end`. */
  addRange(start: number, end: number): this {
    this.#bitmap.addRange(start, end);
    return this;
  }

  /** Keeps what is in both; like the others below it changes this set only. */
  and(other: RowSet): this {
    this.#bitmap.andInPlace(other.#bitmap);
    return this;
  }

  or(other: RowSet): this {
    this.#bitmap.orInPlace(other.#bitmap);
    return this;
  }

  andNot(other: RowSet): this {
    this.#bitmap.andNotInPlace(other.#bitmap);
    return this;
  }

  /** Keeps what is in one of both only. */
  xor(other: RowSet): this {
    this.#bitmap.xorInPlace(other.#bitmap);
    return this;
  }

  /** How many rows are in both. */
  andSize(other: RowSet): number {
    return this.#bitmap.andCardinality(other.#bitmap);
  }

  intersects(other: RowSet): boolean {
    return this.#bitmap.intersects(other.#bitmap);
  }

  clone(): RowSet {
    return new RowSet(this.#bitmap.clone());
  }

  /** The rows, ascending. */
  toUint32Array(): Uint32Array {
    return this.#bitmap.toUint32Array();
  }

  /** Frees its memory; nothing else may be called afterwards. */
  dispose(): void {
    this.#bitmap.dispose();
  }
}
