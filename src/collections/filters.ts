// Filters of one collection as the main thread sees them: masks for searches, kept as long as nothing changes; counts, rows
// and pages of points; the payload indexes. The work is the filter thread's.

import type { Filter } from '../contract/filter.js';
import type { PayloadIndexDescription, PayloadIndexType } from '../contract/payload-index.js';
import { ServiceError } from '../errors.js';
import type { FacetValue } from '../filter/value-index.js';
import type { MatchMask } from '../index/match-mask.js';
import { PAYLOAD_INDEXES_MAX } from '../limits.js';
import type { Meta, PointId, PointRecord } from '../storage/points-store.js';
import type { FilterPool } from '../workers/filter-pool.js';
import { type IndexedKey, NO_ROW, type PointChanges } from '../workers/messages.js';
import type { Selected } from '../workers/point-filters.js';
import { CollectionUnknown } from '../workers/worker-pool.js';
import type { ChangedPoint } from './commit-group.js';
import type { Log } from './log.js';
import { type IndexMemoryBudgets, PayloadIndexMemory } from './payload-index-memory.js';
import type { ServedGeneration } from './served-generation.js';
import type { Writer } from './writer.js';

/** Points that change before it is asked again how large the indexes are. */
const CHANGES_PER_MEASURE = 20_000;
/** Masks are kept up to so many bytes together. */
const MASKS_BYTES_MAX = 16 * 1024 * 1024;
const MASKS_MAX = 256;
/** What a kept mask takes beside its bits and its key. */
const MASK_BYTES = 1024;

export type SelectedMask = Selected<{ mask: MatchMask }>;

interface KeptMask {
  /** It is valid for this state of the points, and this generation. */
  sequence: number;
  generation: number;
  selected: Promise<SelectedMask>;
  bytes: number;
}

export interface FiltersOptions {
  /** Unique in the process. */
  collection: string;
  name: string;
  /** Of the collection's points. */
  path: string;
  pool: FilterPool;
  writer: Pick<Writer, 'meta' | 'exclusive' | 'commit'>;
  memory: IndexMemoryBudgets;
  log: Log;
}

/** Masks of all collections have keys of their own. */
let masks = 0;

export class Filters {
  readonly #options: FiltersOptions;
  readonly #masks = new Map<string, KeptMask>();
  /** Set while the filter thread knows the collection and is told of its changes. */
  #opened: Promise<void> | undefined;
  #closedBy: ServiceError | undefined;
  /** Whether the filter thread may have anything of the collection. */
  #isKnown = false;
  readonly #memory: PayloadIndexMemory;
  #changesLeft = CHANGES_PER_MEASURE;

  constructor(options: FiltersOptions) {
    this.#options = options;
    this.#memory = new PayloadIndexMemory(options.memory);
    // What has indexes is filled at once, not by the first filter.
    for (const { key, type } of this.#indexes) this.#fill(key, type);
  }

  /** Which rows of a generation meet the filter. @throws storage_corrupt, too_many_requests */
  mask(served: ServedGeneration, filter: Filter): Promise<SelectedMask> {
    const { sequence } = this.#options.writer.meta;
    const key = JSON.stringify(filter);
    const kept = this.#masks.get(key);
    const isValid = kept?.sequence === sequence && kept.generation === served.number;
    // Set anew in any case: the map then has those that were used last at its end.
    this.#masks.delete(key);
    const entry = kept && isValid ? kept : this.#makeMask(served, filter, sequence);
    this.#masks.set(key, entry);
    entry.selected.catch(() => {
      if (this.#masks.get(key) === entry) this.#masks.delete(key);
    });
    this.#forgetOldest();
    return entry.selected;
  }

  count(filter: Filter): Promise<Selected<{ count: number }>> {
    return this.#ask((pool, collection) => pool.count(collection, filter));
  }

  /** Rows that meet the filter, ascending. */
  rows(filter: Filter): Promise<Selected<{ rows: Uint32Array }>> {
    return this.#ask((pool, collection) => pool.rows(collection, filter));
  }

  /** The ids of the points that have these rows, if they still have. */
  ids(rows: Uint32Array): Promise<PointId[]> {
    return this.#ask((pool, collection) => pool.ids(collection, rows));
  }

  /** Keys of the next points that meet the filter, in the order of their bytes. */
  page(filter: Filter, after: string | undefined, limit: number): Promise<Selected<{ keys: string[] }>> {
    return this.#ask((pool, collection) => pool.page(collection, filter, after, limit));
  }

  facet(key: string, filter: Filter, limit: number): Promise<Selected<{ facets: FacetValue[] }>> {
    return this.#ask((pool, collection) => pool.facet(collection, key, filter, limit));
  }

  /** The filter thread learns what a commit has changed; called in the order of the commits. */
  changed(points: readonly ChangedPoint[]): void {
    if (this.#opened === undefined || points.length === 0) return;
    const { pool, collection } = this.#options;
    const opened = this.#opened;
    pool.change(collection, encodeChanges(points)).catch((error) => this.#lost(opened, error));
    this.#changesLeft -= points.length;
    if (this.#changesLeft > 0 || this.#indexes.length === 0) return;
    this.#changesLeft = CHANGES_PER_MEASURE;
    void this.listIndexes().catch(() => {});
  }

  async listIndexes(): Promise<PayloadIndexDescription[]> {
    if (this.#indexes.length === 0) {
      this.#memory.measured(0);
      return [];
    }
    const states = await this.#ask((pool, collection) => pool.describe(collection));
    if (!this.#memory.measured(states.reduce((sum, { bytes }) => sum + bytes, 0))) {
      this.#options.log.warn(
        { collection: this.#options.name },
        'payload indexes have outgrown their memory',
      );
    }
    return states
      .map(({ key, type, progress, bytes }) => ({
        key,
        type,
        state: progress < 1 ? ('building' as const) : ('ready' as const),
        progress,
        bytes,
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** RAM that the indexes held when they were last asked. */
  get indexBytes(): number {
    return this.#memory.bytes;
  }

  /**
   * Durable once it resolves; filled in the background.
   * @throws too_many_indexes, memory_full, writes_stopped, disk_full
   */
  async setIndex(key: string, type: PayloadIndexType): Promise<PayloadIndexDescription> {
    this.#memory.check(type, this.#options.writer.meta.pointsCount);
    await this.#keepIndexes((indexes) => [...indexes.filter((index) => index.key !== key), { key, type }]);
    this.#fill(key, type);
    const all = await this.listIndexes();
    return all.find((index) => index.key === key) ?? { key, type, state: 'building', progress: 0, bytes: 0 };
  }

  /** @throws payload_index_not_found */
  async dropIndex(key: string): Promise<void> {
    if (!this.#indexes.some((index) => index.key === key))
      throw new ServiceError('payload_index_not_found', { key });
    await this.#keepIndexes((indexes) => indexes.filter((index) => index.key !== key));
    this.#masks.clear();
    await this.#ask((pool, collection) => pool.dropIndex(collection, key));
    await this.listIndexes();
  }

  /** In the background; nothing is done where it is filled or being filled already. */
  #fill(key: string, type: PayloadIndexType): void {
    this.#ask((pool, collection) => pool.setIndex(collection, key, type))
      .then(() => {
        // Filters may have been kept with the remark that the key has no index.
        this.#masks.clear();
        return this.listIndexes();
      })
      .catch((error) => {
        if (this.#closedBy !== undefined) return;
        this.#options.log.error({ collection: this.#options.name, key, error }, 'no payload index');
      });
  }

  /** What is asked, and not answered yet, and what comes later gets `reason`. */
  async close(reason: ServiceError): Promise<void> {
    this.#closedBy = reason;
    this.#memory.release();
    if (this.#isKnown) await this.#options.pool.close(this.#options.collection).catch(() => {});
  }

  get #indexes(): readonly IndexedKey[] {
    return this.#options.writer.meta.payloadIndexes ?? [];
  }

  #makeMask(served: ServedGeneration, filter: Filter, sequence: number): KeptMask {
    const { generation, number, slotRows, rowSlots } = served;
    const { slots, rowBase } = generation;
    const maskKey = ++masks;
    const places = { slots, rowBase, slotRows, rowSlots: rowSlots.tables };
    const selected = this.#ask((pool, collection) => pool.mask(collection, filter, maskKey, places));
    return {
      sequence,
      generation: number,
      selected,
      bytes: (slots + generation.pendingCount) / 8 + MASK_BYTES,
    };
  }

  #forgetOldest(): void {
    let bytes = 0;
    for (const [key, kept] of this.#masks) bytes += kept.bytes + 2 * key.length;
    for (const [key, kept] of this.#masks) {
      const fits = bytes <= MASKS_BYTES_MAX && this.#masks.size <= MASKS_MAX;
      if (fits || this.#masks.size === 1) return;
      this.#masks.delete(key);
      bytes -= kept.bytes + 2 * key.length;
    }
  }

  /** Once more where the filter thread was replaced meanwhile. */
  async #ask<Value>(ask: (pool: FilterPool, collection: string) => Promise<Value>): Promise<Value> {
    const { pool, collection } = this.#options;
    for (let isRetry = false; ; isRetry = true) {
      const opened = this.#open();
      try {
        await opened;
        return await ask(pool, collection);
      } catch (error) {
        if (this.#closedBy !== undefined) throw this.#closedBy;
        // What is no ServiceError is a thread that has ended, or a new one that knows nothing.
        if (!(error instanceof ServiceError)) this.#lost(opened, error);
        if (isRetry || error instanceof ServiceError) throw error;
      }
    }
  }

  #open(): Promise<void> {
    // Not once more behind `close`: the files may be gone, and nobody would close it.
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (this.#opened !== undefined) return this.#opened;
    const { pool, collection, path } = this.#options;
    this.#isKnown = true;
    this.#opened = pool.open(collection, path, [...this.#indexes]);
    return this.#opened;
  }

  /** What was not told to the filter thread it has to read again; unless it does so already. */
  #lost(opened: Promise<void> | undefined, error: unknown): void {
    if (this.#opened !== opened) return;
    this.#opened = undefined;
    this.#masks.clear();
    if (error instanceof CollectionUnknown) return;
    this.#options.log.warn({ collection: this.#options.name, error }, 'payload indexes are read anew');
  }

  async #keepIndexes(change: (indexes: readonly IndexedKey[]) => IndexedKey[]): Promise<void> {
    const { writer } = this.#options;
    await writer.exclusive(async () => {
      const payloadIndexes = change(this.#indexes);
      if (payloadIndexes.length > PAYLOAD_INDEXES_MAX) {
        throw new ServiceError('too_many_indexes', { max: PAYLOAD_INDEXES_MAX });
      }
      const meta: Meta = { ...writer.meta, payloadIndexes };
      await writer.commit({ put: [], removeRows: [], removeKeys: [], meta });
    });
  }
}

/** What the filter thread is told of a commit. */
export function encodeChanges(points: readonly ChangedPoint[]): PointChanges {
  const ids: PointId[] = [];
  const rows = new Uint32Array(2 * points.length);
  const ends = new Uint32Array(2 * points.length);
  let count = 0;
  let end = 0;
  const place = (record: PointRecord | null) => {
    rows[count] = record?.row ?? NO_ROW;
    end += record?.payload?.byteLength ?? 0;
    ends[count++] = end;
  };
  for (const { before, after } of points) {
    ids.push(((after ?? before) as PointRecord).id);
    place(before);
    place(after);
  }
  const payloads = new Uint8Array(end);
  let copied = 0;
  const copy = (record: PointRecord | null) => {
    if (!record?.payload) return;
    payloads.set(record.payload, copied);
    copied += record.payload.byteLength;
  };
  for (const { before, after } of points) {
    copy(before);
    copy(after);
  }
  return { ids, rows, payloads, ends };
}
