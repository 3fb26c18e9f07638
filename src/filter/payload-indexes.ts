// The payload indexes of a collection, in memory: filled row by row, asked by filters and facets. Runs on any thread.

import type { Filter } from '../contract/filter.js';
import type { Payload } from '../contract/payload.js';
import type { PayloadIndexType } from '../contract/payload-index.js';
import { ColumnIndex } from './column-index.js';
import { GeoIndex } from './geo-index.js';
import type { KeyIndex } from './key-index.js';
import { RowSet } from './row-set.js';
import { Selector, type TypedIndex } from './selector.js';
import { TextIndex } from './text-index.js';
import { type FacetValue, ValueIndex } from './value-index.js';
import { pathOf, valuesAt } from './values.js';

export interface Selection {
  /** The caller's to dispose. */
  rows: RowSet;
  /** False where `rows` has others besides those the filter holds for. */
  isExact: boolean;
  /** Keys that would need an index, or one of another type, for an exact selection. */
  unindexedKeys: string[];
}

interface KeyedIndex extends TypedIndex {
  path: readonly string[];
}

const INDEX_OF_TYPE: Record<PayloadIndexType, () => KeyIndex<unknown>> = {
  keyword: () => new ValueIndex('keyword'),
  integer: () => new ValueIndex('integer'),
  bool: () => new ValueIndex('bool'),
  float: () => new ColumnIndex('float'),
  datetime: () => new ColumnIndex('datetime'),
  text: () => new TextIndex(),
  geo: () => new GeoIndex(),
};

export class PayloadIndexes {
  readonly #indexes = new Map<string, KeyedIndex>();

  /** A new, empty index; it takes the place of one that the key has. */
  set(key: string, type: PayloadIndexType): void {
    this.drop(key);
    this.#indexes.set(key, { type, index: INDEX_OF_TYPE[type](), path: pathOf(key) });
  }

  drop(key: string): void {
    this.#indexes.get(key)?.index.dispose();
    this.#indexes.delete(key);
  }

  /** Frees all of them. */
  dispose(): void {
    for (const key of [...this.#indexes.keys()]) this.drop(key);
  }

  /** Into all indexes. Idempotent; a row with another payload is removed first. */
  add(row: number, payload: Payload | null): void {
    for (const { index, path } of this.#indexes.values()) index.add(row, valuesAt(payload, path));
  }

  /** `payload` is what the row was added with. Indexes that do not have the row yet are left as they are. */
  remove(row: number, payload: Payload | null): void {
    for (const { index, path } of this.#indexes.values()) index.remove(row, valuesAt(payload, path));
  }

  /** Like `add`, into the index of one key: that is how it is filled. Without one nothing is done. */
  addTo(key: string, row: number, payload: Payload | null): void {
    const found = this.#indexes.get(key);
    found?.index.add(row, valuesAt(payload, found.path));
  }

  /**
   * The rows of `live` that the filter holds for, or more. Keys whose index is not ready count as without one.
   * `rowOf` tells the row of a point by its id.
   */
  select(
    filter: Filter,
    live: RowSet,
    rowOf: (idKey: string) => number | undefined,
    isReady: (key: string) => boolean,
  ): Selection {
    const indexOf = (key: string) => (isReady(key) ? this.#indexes.get(key) : undefined);
    const selector = new Selector({ live, rowOf, indexOf });
    const { rows, isExact } = selector.answer(filter);
    rows.and(live);
    if (isExact || rows.isEmpty) return { rows, isExact: true, unindexedKeys: [] };
    return { rows, isExact, unindexedKeys: [...selector.unindexedKeys] };
  }

  /**
   * The most frequent values of the index's type, ties by value; undefined where the key has no index of type keyword,
   * integer or bool.
   */
  facet(key: string, rows: RowSet | undefined, limit: number): FacetValue[] | undefined {
    const index = this.#indexes.get(key)?.index;
    return index instanceof ValueIndex ? index.facets(rows, limit) : undefined;
  }

  /** Which of the rows have values that `facet` does not count, since they are of another type; the caller's to dispose. */
  rowsOfOtherTypes(key: string, rows: RowSet): RowSet {
    return this.#indexes.get(key)?.index.othersAmong(rows) ?? new RowSet();
  }

  /** Whether the value is of the type of the key's index. */
  isTyped(key: string, value: NonNullable<unknown>): boolean {
    return this.#indexes.get(key)?.index.isTyped(value) ?? false;
  }

  /** RAM the index of the key holds, estimated; 0 without one. */
  bytes(key: string): number {
    return this.#indexes.get(key)?.index.bytes ?? 0;
  }
}
