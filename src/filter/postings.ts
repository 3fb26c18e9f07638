// Rows by value, sparing where most values have few rows. Runs on any thread.

import type { Scalar } from '../contract/filter.js';
import { LargeMap } from './large-map.js';
import { RowList } from './row-list.js';
import { RowSet } from './row-set.js';

/** Up to so many rows an ascending array takes less memory than a bitmap. */
const FEW_ROWS_MAX = 32;
/** A bitmap of so few becomes an array again; less than above, or one row that comes and goes would cost a copy each time. */
const BITMAP_ROWS_MIN = FEW_ROWS_MAX / 2;

/** Estimates: an entry of a Map, with its share of the table's free places; arrays, numbers and texts on the heap. */
const ENTRY_BYTES = 44;
const ARRAY_BYTES = 48;
const ELEMENT_BYTES = 8;
const NUMBER_BYTES = 16;
const TEXT_BYTES = 24;
/** A set of bitmaps has an entry for each. */
const BITMAP_ENTRY_BYTES = 28;

/** V8 may keep a part of a text from this length on as a reference into the whole. */
const SLICED_CHARS_MIN = 13;

type Rows = number | readonly number[] | RowSet;

export class Postings<V extends Scalar> {
  readonly #rows = new LargeMap<V, Rows>();
  readonly #bitmaps = new Set<RowSet>();
  /** Of all but the bitmaps. */
  #heapBytes = 0;

  /** How many values have rows. */
  get size(): number {
    return this.#rows.size;
  }

  /** RAM it holds, estimated. */
  get bytes(): number {
    let bytes = this.#heapBytes;
    for (const bitmap of this.#bitmaps) bytes += bitmap.bytes + BITMAP_ENTRY_BYTES;
    return bytes;
  }

  has(value: V): boolean {
    return this.#rows.has(value);
  }

  add(value: V, row: number): void {
    const held = this.#rows.get(value);
    if (held === undefined) {
      this.#rows.set(ownCopy(value), row);
      this.#heapBytes += ENTRY_BYTES + valueBytes(value);
    } else if (held instanceof RowSet) held.add(row);
    else if (typeof held === 'number') {
      if (held !== row) this.#replace(value, held, held < row ? [held, row] : [row, held]);
    } else if (!held.includes(row)) {
      const after = held.findIndex((other) => other > row);
      const more = held.toSpliced(after < 0 ? held.length : after, 0, row);
      this.#replace(value, held, more.length > FEW_ROWS_MAX ? RowSet.of(more) : more);
    }
  }

  remove(value: V, row: number): void {
    const held = this.#rows.get(value);
    if (held === undefined) return;
    if (held instanceof RowSet) {
      held.delete(row);
      if (held.size <= BITMAP_ROWS_MIN) this.#replace(value, held, [...held.toUint32Array()]);
    } else if (typeof held === 'number') {
      if (held !== row) return;
      this.#rows.delete(value);
      this.#heapBytes -= ENTRY_BYTES + valueBytes(value);
    } else if (held.includes(row)) {
      const fewer = held.filter((other) => other !== row);
      this.#replace(value, held, fewer.length === 1 ? (fewer[0] as number) : fewer);
    }
  }

  /** The rows that have one of the values; the set is the caller's to dispose. */
  unionOf(values: Iterable<V>): RowSet {
    const union = new RowSet();
    const few = new RowList();
    for (const value of values) {
      const held = this.#rows.get(value);
      if (held !== undefined) gather(held, union, few);
    }
    few.addTo(union);
    return union;
  }

  /** Like `unionOf`, of all values that pass. */
  unionWhere(test: (value: V) => boolean): RowSet {
    const union = new RowSet();
    const few = new RowList();
    this.#rows.forEach((held, value) => {
      if (test(value)) gather(held, union, few);
    });
    few.addTo(union);
    return union;
  }

  /** Visits every value with how many rows have it, or how many of `among` that is. In no order. */
  forEachCount(among: RowSet | undefined, visit: (value: V, count: number) => void): void {
    this.#rows.forEach((held, value) => {
      visit(value, countOf(held, among));
    });
  }

  dispose(): void {
    for (const bitmap of this.#bitmaps) bitmap.dispose();
    this.#bitmaps.clear();
    this.#rows.clear();
  }

  #replace(value: V, before: Rows, after: Rows): void {
    this.#rows.set(value, after);
    this.#heapBytes += rowsBytes(after) - rowsBytes(before);
    if (after instanceof RowSet) this.#bitmaps.add(after);
    if (before instanceof RowSet) {
      this.#bitmaps.delete(before);
      before.dispose();
    }
  }
}

function gather(held: Rows, union: RowSet, few: RowList): void {
  if (held instanceof RowSet) union.or(held);
  else if (typeof held === 'number') few.push(held);
  else for (const row of held) few.push(row);
}

function countOf(held: Rows, among: RowSet | undefined): number {
  if (held instanceof RowSet) return among === undefined ? held.size : held.andSize(among);
  if (typeof held === 'number') return among === undefined || among.has(held) ? 1 : 0;
  return among === undefined ? held.length : held.filter((row) => among.has(row)).length;
}

function rowsBytes(rows: Rows): number {
  return typeof rows === 'number' || rows instanceof RowSet ? 0 : ARRAY_BYTES + rows.length * ELEMENT_BYTES;
}

function valueBytes(value: Scalar): number {
  if (typeof value === 'string') return TEXT_BYTES + Buffer.byteLength(value);
  return typeof value === 'number' ? NUMBER_BYTES : 0;
}

/** A word cut out of a long text would keep all of that text in memory. */
function ownCopy<V extends Scalar>(value: V): V {
  if (typeof value !== 'string' || value.length < SLICED_CHARS_MIN) return value;
  const copy = Buffer.from(value).toString();
  // A lone surrogate does not survive UTF-8.
  return copy === value ? (copy as V) : value;
}
