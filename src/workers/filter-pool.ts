// The thread that answers filters, started with the first of them. Main thread.

import type { Filter } from '../contract/filter.js';
import type { PayloadIndexType } from '../contract/payload-index.js';
import type { PointId } from '../contract/points.js';
import type { FacetValue } from '../filter/value-index.js';
import type { MatchMask } from '../index/match-mask.js';
import { QUEUED_FILTERS_MAX } from '../limits.js';
import type { FilterTask, IndexedKey, PointChanges, RowPlaces } from './messages.js';
import type { IndexState, Selected } from './point-filters.js';
import { WorkerPool } from './worker-pool.js';

/** It holds the payload indexes: it does not end for want of work. */
const NO_IDLE_TIMEOUT_MS = 2 ** 31 - 1;
/** As the search threads: a filtered search waits for both. */
const NICE_INCREMENT = 5;

/** All calls for a collection but `open` throw CollectionUnknown where the thread does not know it, or no more. */
export class FilterPool {
  readonly #pool: WorkerPool<FilterTask>;

  constructor(onError: (error: unknown) => void) {
    this.#pool = new WorkerPool(
      {
        file: new URL('./filter-worker.js', import.meta.url),
        threadsMin: 0,
        threadsMax: 1,
        idleTimeoutMs: NO_IDLE_TIMEOUT_MS,
        queuedMax: QUEUED_FILTERS_MAX,
        // All of them begin at once, in their order: it is the order of the commits.
        tasksPerThread: QUEUED_FILTERS_MAX,
        niceIncrement: NICE_INCREMENT,
      },
      onError,
    );
  }

  /** `path` is that of the collection's points. Indexes are filled in the background. */
  open(collection: string, path: string, indexes: IndexedKey[]): Promise<void> {
    return this.#pool.run({ kind: 'open', collection, path, indexes });
  }

  close(collection: string): Promise<void> {
    return this.#pool.run({ kind: 'close', collection });
  }

  change(collection: string, changes: PointChanges): Promise<void> {
    const { rows, payloads, ends } = changes;
    return this.#pool.run({ kind: 'change', collection, changes }, [
      rows.buffer,
      payloads.buffer,
      ends.buffer,
    ]);
  }

  setIndex(collection: string, key: string, type: PayloadIndexType): Promise<void> {
    return this.#pool.run({ kind: 'set_index', collection, key, type });
  }

  dropIndex(collection: string, key: string): Promise<void> {
    return this.#pool.run({ kind: 'drop_index', collection, key });
  }

  describe(collection: string): Promise<IndexState[]> {
    return this.#pool.run({ kind: 'describe', collection });
  }

  /** The rows that meet the filter, by their places in a generation. @throws storage_corrupt, too_many_requests */
  mask(
    collection: string,
    filter: Filter,
    maskKey: number,
    places: RowPlaces,
  ): Promise<Selected<{ mask: MatchMask }>> {
    return this.#pool.run({ kind: 'mask', collection, filter, maskKey, places });
  }

  count(collection: string, filter: Filter): Promise<Selected<{ count: number }>> {
    return this.#pool.run({ kind: 'count', collection, filter });
  }

  rows(collection: string, filter: Filter): Promise<Selected<{ rows: Uint32Array }>> {
    return this.#pool.run({ kind: 'rows', collection, filter });
  }

  ids(collection: string, rows: Uint32Array): Promise<PointId[]> {
    return this.#pool.run({ kind: 'ids', collection, rows });
  }

  page(
    collection: string,
    filter: Filter,
    after: string | undefined,
    limit: number,
  ): Promise<Selected<{ keys: string[] }>> {
    return this.#pool.run({ kind: 'page', collection, filter, after, limit });
  }

  facet(
    collection: string,
    key: string,
    filter: Filter,
    limit: number,
  ): Promise<Selected<{ facets: FacetValue[] }>> {
    return this.#pool.run({ kind: 'facet', collection, key, filter, limit });
  }

  async closeAll(): Promise<void> {
    await this.#pool.close();
  }
}
