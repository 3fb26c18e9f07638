// What an open collection consists of; its operations are functions over these parts. Main thread.

import type { IndexSettings } from '../index/settings.js';
import type { CatalogEntry } from '../storage/catalog.js';
import type { CollectionPaths, DataDirectory } from '../storage/data-directory.js';
import type { PendingSegments } from '../storage/pending-segments.js';
import type { PointsStore } from '../storage/points-store.js';
import type { BuildPool } from '../workers/build-pool.js';
import type { FilterPool } from '../workers/filter-pool.js';
import type { SearchPool } from '../workers/search-pool.js';
import type { CollectionSearch } from './collection-search.js';
import type { DiskReserve } from './disk-reserve.js';
import type { DiskUsage } from './disk-usage.js';
import type { Dispatcher } from './dispatcher.js';
import type { Filters } from './filters.js';
import type { LiveRecall } from './live-recall.js';
import type { Log } from './log.js';
import type { MemoryBudget, MemoryClaim } from './memory-budget.js';
import type { PendingEncoder } from './pending-encoder.js';
import type { StoredVectors } from './stored-vectors.js';
import type { Views } from './views.js';
import type { Writer } from './writer.js';

/** Shared by all collections of a process. */
export interface Services {
  directory: DataDirectory;
  /** Makes a changed entry durable in the catalog, unless the collection is being dropped. */
  keepEntry(entry: CatalogEntry<IndexSettings>): Promise<void>;
  disk: DiskReserve;
  memory: MemoryBudget;
  /** For payload indexes; they count in `memory`, too. */
  indexMemory: MemoryBudget;
  /** What builds hold while they run. */
  buildClaims: Set<MemoryClaim>;
  searchPool: SearchPool;
  buildPool: BuildPool;
  filterPool: FilterPool;
  dispatcher: Dispatcher;
  log: Log;
}

export interface CollectionParts {
  entry: CatalogEntry<IndexSettings>;
  paths: CollectionPaths;
  services: Services;
  store: PointsStore;
  pending: PendingSegments;
  writer: Writer;
  filters: Filters;
  views: Views;
  vectors: StoredVectors;
  /** What full vectors take of the RAM; nothing where they are mapped. */
  vectorClaim: MemoryClaim;
  search: CollectionSearch;
  liveRecall: LiveRecall;
  encoder: PendingEncoder;
  diskUsage: DiskUsage;
}
