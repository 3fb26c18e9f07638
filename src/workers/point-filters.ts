// One collection as the filter thread knows it: its payload indexes, filled from the store and kept by what commits change;
// filters answered by them, and from the payloads where they do not suffice.

import { setTimeout } from 'node:timers/promises';
import type { Filter } from '../contract/filter.js';
import type { Payload } from '../contract/payload.js';
import type { PayloadIndexType } from '../contract/payload-index.js';
import { idKey, type PointId } from '../contract/points.js';
import { FacetCounter } from '../filter/facet-counter.js';
import { PayloadIndexes, type Selection } from '../filter/payload-indexes.js';
import { filterPredicate } from '../filter/predicate.js';
import { RowSet } from '../filter/row-set.js';
import { compareFacets, type FacetValue } from '../filter/value-index.js';
import type { PointRecord } from '../storage/points-store.js';
import { Gate } from './gate.js';
import { type IndexedKey, NO_ROW, type PointChanges } from './messages.js';
import { PointReader } from './point-reader.js';

/** A commit that is in the store is told of within milliseconds; after so long it is not waited for any more. */
const TOLD_MS_MAX = 2000;
const TOLD_POLL_MS = 1;
/** Filters that read many payloads at once; more would only make all of them late, and the thread deaf for longer. */
const PASSES_MAX = 3;
const PASSES_WAITING_MAX = 64;
/** So few are read at once in any case. */
const UNGATED_ROWS_MAX = 2000;
/** Above this share of all points a pass over them in the order of their keys costs less than to look up each row. */
const PASS_SHARE = 1 / 4;
/** So few rows are looked up and sorted for a page; of more, points are met soon in the order of their keys. */
const SORTED_ROWS_MAX = 10_000;
const decoder = new TextDecoder();
const passes = new Gate(PASSES_MAX, PASSES_WAITING_MAX);

/** One point that a commit has changed. */
interface Change {
  id: PointId;
  rowBefore: number;
  rowAfter: number;
  before: Payload | null;
  after: Payload | null;
}

type Watcher = (change: Change) => void;

/** The indexes of some keys, on their way through all points. */
interface Filling {
  keys: Set<string>;
  /** Points read so far. */
  points: number;
  ended: Promise<void>;
}

export interface IndexState extends IndexedKey {
  /** 0 to 1; 1 once it answers. */
  progress: number;
  bytes: number;
}

/** What was selected, and the keys without an index that would have helped. */
export type Selected<What> = What & { unindexedKeys: string[] };

export class PointFilters {
  readonly #reader: PointReader;
  readonly #indexes = new PayloadIndexes();
  readonly #types = new Map<string, PayloadIndexType>();
  readonly #filling = new Map<string, Filling>();
  readonly #live = new RowSet();
  readonly #watchers = new Set<Watcher>();
  /** Resolves once all rows are known. */
  readonly #opened: Promise<void>;
  #rowEnd = 0;

  constructor(path: string, indexes: readonly IndexedKey[]) {
    this.#reader = new PointReader(path);
    this.#opened = this.#findRows();
    // Whoever asks awaits it, and learns of a failure.
    this.#opened.catch(() => {});
    this.#fill(indexes);
  }

  /** Behind the last row that is known. */
  get rowEnd(): number {
    return this.#rowEnd;
  }

  describe(): IndexState[] {
    const points = Math.max(1, this.#live.size);
    return [...this.#types].map(([key, type]) => {
      const filling = this.#filling.get(key);
      const progress = filling ? Math.min(filling.points / points, 1 - Number.EPSILON) : 1;
      return { key, type, progress, bytes: this.#indexes.bytes(key) };
    });
  }

  /** Resolves once the index answers; until then filters work as without it. */
  async setIndex(indexed: IndexedKey): Promise<void> {
    if (this.#types.get(indexed.key) !== indexed.type) {
      this.dropIndex(indexed.key);
      this.#fill([indexed]);
    }
    await this.#filling.get(indexed.key)?.ended;
  }

  dropIndex(key: string): void {
    this.#filling.get(key)?.keys.delete(key);
    this.#filling.delete(key);
    this.#types.delete(key);
    this.#indexes.drop(key);
  }

  /** What a commit has changed; commits come in their order. */
  change({ ids, rows, payloads, ends }: PointChanges): void {
    const payload = (index: number) =>
      parsePayload(payloads.subarray(index === 0 ? 0 : ends[index - 1], ends[index]));
    for (let i = 0; i < rows.length; i += 2) {
      const [rowBefore, rowAfter] = rows.subarray(i, i + 2) as unknown as [number, number];
      const id = ids[i / 2] as PointId;
      this.#change({ id, rowBefore, rowAfter, before: payload(i), after: payload(i + 1) });
    }
  }

  /** The rows that meet the filter, ascending. @throws storage_corrupt */
  async rows(filter: Filter): Promise<Selected<{ rows: Uint32Array }>> {
    const { rows, unindexedKeys } = await this.#select(filter);
    const list = rows.toUint32Array();
    rows.dispose();
    return { rows: list, unindexedKeys };
  }

  /** The ids of the points that have these rows, if they still have; in the order of the rows. @throws storage_corrupt */
  ids(rows: Uint32Array): Promise<PointId[]> {
    return this.#reader.ids(rows);
  }

  /** How many points meet the filter. @throws storage_corrupt */
  async count(filter: Filter): Promise<Selected<{ count: number }>> {
    const { rows, unindexedKeys } = await this.#select(filter);
    const count = rows.size;
    rows.dispose();
    return { count, unindexedKeys };
  }

  /**
   * The keys of the first `limit` points behind `after`, in the order of their bytes, that meet the filter.
   * @throws storage_corrupt
   */
  async page(
    filter: Filter,
    after: string | undefined,
    limit: number,
  ): Promise<Selected<{ keys: string[] }>> {
    const { rows, isExact, unindexedKeys } = await this.#narrow(filter);
    // Rows from here on are new: of points that were inserted or replaced since.
    const rowEnd = this.#rowEnd;
    const predicate = predicateOf(filter);
    const meets = (record: PointRecord) =>
      record.row >= rowEnd ? predicate(record) : rows.has(record.row) && (isExact || predicate(record));
    const keys: string[] = [];
    const take = (record: PointRecord): boolean => {
      if (meets(record)) keys.push(idKey(record.id));
      return keys.length < limit;
    };
    try {
      if (rows.size > SORTED_ROWS_MAX) await gated(rows.size, () => this.#reader.points(take, after));
      else keys.push(...(await this.#sortedKeys(rows, rowEnd, meets, after)).slice(0, limit));
      return { keys, unindexedKeys };
    } finally {
      rows.dispose();
    }
  }

  /** Keys behind `after` of points that have these rows, or rows from `rowEnd` on. */
  async #sortedKeys(
    rows: RowSet,
    rowEnd: number,
    meets: (record: PointRecord) => boolean,
    after: string | undefined,
  ): Promise<string[]> {
    const keys = new Set<string>();
    const take = (record: PointRecord) => {
      const key = idKey(record.id);
      if (meets(record) && (after === undefined || byBytes(key, after) > 0)) keys.add(key);
    };
    await this.#reader.records(rows.toUint32Array(), take);
    // The new rows come last, so that no point slips from the ones to the others unseen.
    await this.#reader.recordsFrom(rowEnd, take);
    return [...keys].sort(byBytes);
  }

  /** The most frequent values of a key, with the number of points that have them. @throws storage_corrupt */
  async facet(key: string, filter: Filter, limit: number): Promise<Selected<{ facets: FacetValue[] }>> {
    const { rows, unindexedKeys } = await this.#select(filter);
    try {
      const facets = this.#filling.has(key) ? undefined : this.#indexes.facet(key, rows, limit);
      if (facets !== undefined) {
        const others = await this.#facetOfOtherTypes(key, rows, limit);
        return { facets: [...facets, ...others].sort(compareFacets).slice(0, limit), unindexedKeys };
      }
      const counter = new FacetCounter(key);
      const rowEnd = this.#rowEnd;
      const predicate = predicateOf(filter);
      const take = (record: PointRecord): boolean => {
        // A payload may have changed since it was selected, in the row it has.
        const isMeant = (record.row >= rowEnd || rows.has(record.row)) && predicate(record);
        if (isMeant) counter.add(parsePayload(record.payload));
        return true;
      };
      await gated(rows.size, () => this.#reader.points(take));
      return { facets: counter.top(limit), unindexedKeys: [...new Set([...unindexedKeys, key])] };
    } finally {
      rows.dispose();
    }
  }

  /** Of values that the key's index does not count: whether a key has an index makes no difference to a facet. */
  async #facetOfOtherTypes(key: string, rows: RowSet, limit: number): Promise<FacetValue[]> {
    const others = this.#indexes.rowsOfOtherTypes(key, rows);
    const counter = new FacetCounter(key, (value) => !this.#indexes.isTyped(key, value));
    const list = others.toUint32Array();
    others.dispose();
    if (list.length > 0)
      await this.#reader.records(list, ({ payload }) => counter.add(parsePayload(payload)));
    return counter.top(limit);
  }

  async close(): Promise<void> {
    this.#reader.stop();
    await this.#opened.catch(() => {});
    this.#indexes.dispose();
    this.#live.dispose();
    await this.#reader.close();
  }

  /** Exactly the rows that meet the filter; the caller's to dispose. */
  async #select(filter: Filter): Promise<Selected<{ rows: RowSet }>> {
    const { rows, isExact, unindexedKeys } = await this.#narrow(filter);
    if (isExact) return { rows, unindexedKeys };
    try {
      return { rows: await this.#verify(filter, rows), unindexedKeys };
    } finally {
      rows.dispose();
    }
  }

  /** What the indexes alone tell: those rows, or more. */
  async #narrow(filter: Filter): Promise<Selection> {
    await this.#opened;
    const deadlineMs = performance.now() + TOLD_MS_MAX;
    for (;;) {
      this.#reader.refresh();
      let isAhead = false;
      const rowOf = (key: string) => {
        const row = this.#reader.rowOf(key);
        isAhead ||= row !== undefined && !this.#live.has(row);
        return row;
      };
      const isReady = (key: string) => !this.#filling.has(key);
      const selection = this.#indexes.select(filter, this.#live, rowOf, isReady);
      if (!isAhead || performance.now() > deadlineMs) return selection;
      selection.rows.dispose();
      await setTimeout(TOLD_POLL_MS);
    }
  }

  /**
   * Those of the candidates that meet the filter, and what has come to meet it meanwhile. The store may be ahead of what
   * this thread was told: a candidate that is not there any more has been replaced or deleted, and what it is now comes.
   */
  async #verify(filter: Filter, candidates: RowSet): Promise<RowSet> {
    const predicate = filterPredicate(filter);
    const found = new RowSet();
    const unseen = candidates.clone();
    const keep = ({ id, row, payload }: PointRecord): boolean => {
      if (!candidates.has(row)) return true;
      unseen.delete(row);
      if (predicate(id, parsePayload(payload))) found.add(row);
      return true;
    };
    // A point may have been read before it changed, or been passed over, as it has a new row.
    const watch = ({ id, rowBefore, rowAfter, after }: Change): void => {
      changes.push({ rowBefore, rowAfter: rowAfter !== NO_ROW && predicate(id, after) ? rowAfter : NO_ROW });
      unseen.delete(rowBefore);
    };
    const changes: Pick<Change, 'rowBefore' | 'rowAfter'>[] = [];
    try {
      await this.#watching(watch, async () => {
        await gated(candidates.size, () =>
          candidates.size > PASS_SHARE * this.#live.size
            ? this.#reader.points(keep)
            : this.#reader.records(candidates.toUint32Array(), keep),
        );
        const deadlineMs = performance.now() + TOLD_MS_MAX;
        while (!unseen.isEmpty && performance.now() < deadlineMs) {
          await setTimeout(TOLD_POLL_MS);
          this.#reader.refresh();
        }
      });
    } catch (error) {
      found.dispose();
      throw error;
    } finally {
      unseen.dispose();
    }
    for (const { rowBefore, rowAfter } of changes) {
      if (rowBefore !== NO_ROW) found.delete(rowBefore);
      if (rowAfter !== NO_ROW) found.add(rowAfter);
    }
    return found;
  }

  #change(change: Change): void {
    const { rowBefore, rowAfter, before, after } = change;
    if (rowBefore !== NO_ROW) {
      this.#indexes.remove(rowBefore, before);
      this.#live.delete(rowBefore);
    }
    if (rowAfter !== NO_ROW) {
      this.#indexes.add(rowAfter, after);
      this.#addRow(rowAfter);
    }
    for (const watch of this.#watchers) watch(change);
  }

  #addRow(row: number): void {
    this.#live.add(row);
    this.#rowEnd = Math.max(this.#rowEnd, row + 1);
  }

  async #findRows(): Promise<void> {
    const changed = new Set<number>();
    await this.#watching(
      ({ rowBefore, rowAfter }) => changed.add(rowBefore).add(rowAfter),
      () =>
        this.#reader.rows((row) => {
          if (!changed.has(row)) this.#addRow(row);
        }),
    );
  }

  #fill(indexes: readonly IndexedKey[]): void {
    if (indexes.length === 0) return;
    const filling: Filling = { keys: new Set(), points: 0, ended: Promise.resolve() };
    for (const { key, type } of indexes) {
      this.#indexes.set(key, type);
      this.#types.set(key, type);
      this.#filling.set(key, filling);
      filling.keys.add(key);
    }
    filling.ended = this.#fillFrom(filling);
    // A damaged record leaves them unfilled: the first filter that reads it tells of it.
    filling.ended.catch(() => {});
  }

  /** Points that change meanwhile are put into the index at that moment, and left out here. */
  async #fillFrom(filling: Filling): Promise<void> {
    await this.#opened;
    const changed = new Set<number>();
    await this.#watching(
      ({ rowBefore, rowAfter }) => changed.add(rowBefore).add(rowAfter),
      () =>
        this.#reader.points(({ row, payload }) => {
          filling.points++;
          if (changed.has(row)) return true;
          const parsed = parsePayload(payload);
          for (const key of filling.keys) this.#indexes.addTo(key, row, parsed);
          return filling.keys.size > 0;
        }),
    );
    for (const key of filling.keys) this.#filling.delete(key);
  }

  async #watching(watcher: Watcher, work: () => Promise<void>): Promise<void> {
    this.#watchers.add(watcher);
    try {
      await work();
    } finally {
      this.#watchers.delete(watcher);
    }
  }
}

/** @throws overloaded */
function gated(rows: number, read: () => Promise<void>): Promise<void> {
  return rows <= UNGATED_ROWS_MAX ? read() : passes.pass(read);
}

function predicateOf(filter: Filter): (record: PointRecord) => boolean {
  const predicate = filterPredicate(filter);
  return ({ id, payload }) => predicate(id, parsePayload(payload));
}

function parsePayload(bytes: Uint8Array | null): Payload | null {
  return bytes === null || bytes.byteLength === 0 ? null : (JSON.parse(decoder.decode(bytes)) as Payload);
}

/** As LMDB orders keys. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
