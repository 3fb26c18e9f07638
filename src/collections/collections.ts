// All collections of a data directory: opened in the background at start, created, dropped, found by name. Main thread.

import { randomUUID } from 'node:crypto';
import { type CollectionDescription, type CreateCollection, storageOf } from '../contract/collections.js';
import { ServiceError } from '../errors.js';
import type { IndexSettings } from '../index/settings.js';
import { COLLECTIONS_MAX, PAYLOAD_INDEX_BYTES_MAX } from '../limits.js';
import { Catalog, type CatalogEntry } from '../storage/catalog.js';
import { DataDirectory } from '../storage/data-directory.js';
import { findMemoryLimit } from '../storage/memory-limit.js';
import { BuildPool } from '../workers/build-pool.js';
import { collectWhenIdle } from '../workers/collect-when-idle.js';
import { FilterPool } from '../workers/filter-pool.js';
import { IngestPool } from '../workers/ingest-pool.js';
import { SearchPool } from '../workers/search-pool.js';
import type { Collection } from './collection.js';
import type { Services } from './collection-parts.js';
import { DiskReserve } from './disk-reserve.js';
import type { DispatchFigures } from './dispatch-figures.js';
import { Dispatcher } from './dispatcher.js';
import type { Log } from './log.js';
import { allowanceBytes, MemoryBudget, type MemoryClaim } from './memory-budget.js';
import { createCollection, openCollection } from './open-collection.js';
import { ReplyRoom } from './reply-room.js';
import { settingsOf } from './settings.js';
import { type EngineStats, sumMemory } from './stats.js';

/** What an empty collection takes on the disk. */
const NEW_COLLECTION_BYTES = 256 * 1024;

export interface CollectionsOptions {
  dataDir: string;
  searchThreads: number;
  buildThreads: number;
  /** RAM the process may use; what the container or the machine has unless set. */
  memoryBytesMax?: number | undefined;
  /** Of one memory of an index, before it takes another; as large as they can be unless set. */
  indexMemoryBytesMax?: number | undefined;
}

/** A name that is taken: by a collection, or by one that cannot be served at the moment, or not at all. */
type Place =
  | { state: 'served'; collection: Collection }
  | { state: 'loading' | 'creating' | 'dropping' }
  | { state: 'damaged'; reason: string };

export class Collections {
  readonly ingest: IngestPool;
  /** What replies to searches may hold. */
  readonly replies = new ReplyRoom();
  /** Resolves when every collection is open or known to be damaged. */
  readonly loaded: Promise<void>;
  readonly #services: Services;
  readonly #catalog: Catalog<IndexSettings>;
  readonly #options: CollectionsOptions;
  readonly #places = new Map<string, Place>();
  /** Collections that are being created or dropped. */
  readonly #changes = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(
    services: Omit<Services, 'keepEntry'>,
    catalog: Catalog<IndexSettings>,
    found: Found,
    options: CollectionsOptions,
  ) {
    this.#services = { ...services, keepEntry: (entry) => this.#keepEntry(entry) };
    this.#catalog = catalog;
    this.#options = options;
    this.ingest = new IngestPool(logPoolError(services.log));
    for (const { name } of found.entries) this.#places.set(name, { state: 'loading' });
    this.loaded = this.#load(found);
  }

  /**
   * Takes the data directory and starts to load its collections; does not wait for them.
   * @throws data_directory_in_use, storage_corrupt when the catalog is damaged
   */
  static async open(options: CollectionsOptions, log: Log): Promise<Collections> {
    const directory = await DataDirectory.open(options.dataDir);
    try {
      const catalog = await Catalog.open<IndexSettings>(directory.catalogPath);
      const found = await lookAround(directory, catalog);
      const searchPool = new SearchPool({ threads: options.searchThreads }, logPoolError(log));
      const buildPool = new BuildPool(
        { threads: options.buildThreads, memoryBytesMax: options.indexMemoryBytesMax },
        logPoolError(log),
      );
      const filterPool = new FilterPool(logPoolError(log));
      const disk = new DiskReserve(options.dataDir);
      const dispatcher = new Dispatcher(searchPool);
      const memory = budgetOf(options, log);
      const indexMemory = new MemoryBudget(PAYLOAD_INDEX_BYTES_MAX, 0);
      const buildClaims = new Set<MemoryClaim>();
      const pools = { searchPool, buildPool, filterPool };
      const services = { directory, disk, memory, indexMemory, buildClaims, ...pools, dispatcher, log };
      return new Collections(services, catalog, found, options);
    } catch (error) {
      await directory.close();
      throw error;
    }
  }

  /** True once no collection is being loaded any more. */
  get ready(): boolean {
    return this.loading().length === 0 && this.#closing === undefined;
  }

  /** Names of the collections that are still being loaded. */
  loading(): string[] {
    return this.#names('loading');
  }

  /** Names of the collections that cannot be served. */
  unavailable(): string[] {
    return this.#names('damaged');
  }

  /** The collections that are being served, by name. */
  list(): CollectionDescription[] {
    return this.#served().map((collection) => collection.describe());
  }

  /** Of the served collections, what their searches were measured to find. */
  liveRecalls(): { name: string; recall: number | null; samples: number }[] {
    return this.#served().map(({ name, liveRecall: { recall, samples } }) => ({ name, recall, samples }));
  }

  /** @throws collection_not_found, collection_unavailable, shutting_down */
  get(name: string): Collection {
    if (this.#closing) throw new ServiceError('shutting_down');
    const place = this.#places.get(name);
    if (!place || place.state === 'dropping') throw new ServiceError('collection_not_found', { name });
    if (place.state === 'served') return place.collection;
    const reason = place.state === 'damaged' ? place.reason : `it is ${place.state}`;
    throw new ServiceError('collection_unavailable', { name, reason });
  }

  /** @throws collection_exists, too_many_requests, shutting_down */
  async create(request: CreateCollection): Promise<Collection> {
    const { name, dimension, metric } = request;
    const { backend, precision } = storageOf(request.storage);
    if (this.#closing) throw new ServiceError('shutting_down');
    if (this.#places.has(name)) throw new ServiceError('collection_exists', { name });
    if (this.#places.size >= COLLECTIONS_MAX) {
      throw new ServiceError('too_many_requests', { what: `${COLLECTIONS_MAX} collections` });
    }
    const entry: CatalogEntry<IndexSettings> = {
      id: randomUUID(),
      name,
      dimension,
      metric,
      precision,
      index: settingsOf({ dimension, metric }, request.index),
      createdAt: new Date().toISOString(),
    };
    return this.#change(name, 'creating', async () => {
      try {
        await this.#services.disk.claim(NEW_COLLECTION_BYTES);
        const collection = await createCollection(this.#services, entry, backend);
        await this.#catalog.put(entry);
        this.#places.set(name, { state: 'served', collection });
        return collection;
      } catch (error) {
        await this.#services.directory.removeCollection(entry.id).catch(() => {});
        throw error;
      }
    });
  }

  /**
   * Forgets the collection for good and gives its memory and disk back; a damaged one can be dropped, too.
   * @throws collection_not_found, collection_unavailable while it is being loaded
   */
  async drop(name: string): Promise<void> {
    const place = this.#places.get(name);
    const entry = this.#catalog.get(name);
    if (!place || !entry) throw new ServiceError('collection_not_found', { name });
    if (place.state !== 'served' && place.state !== 'damaged') {
      throw new ServiceError('collection_unavailable', { name, reason: `it is ${place.state}` });
    }
    await this.#change(name, 'dropping', async () => {
      await this.#catalog.remove(name);
      this.#places.delete(name);
      if (place.state === 'served')
        await place.collection.close(new ServiceError('collection_not_found', { name }));
      void collectWhenIdle();
      await this.#services.directory.removeCollection(entry.id);
    });
  }

  /** What the queue of the search threads did since the start. */
  get dispatch(): DispatchFigures {
    return this.#services.dispatcher.figures;
  }

  stats(): EngineStats {
    const served = this.#served();
    const { dispatcher, memory } = this.#services;
    return {
      collections: {
        served: served.length,
        loading: this.loading().length,
        unavailable: this.unavailable().length,
      },
      queues: {
        searches: dispatcher.queueSize,
        mutations: served.reduce((sum, collection) => sum + collection.queuedMutations, 0),
        bodies: this.ingest.queueSize,
      },
      threads: { search: this.#options.searchThreads, build: this.#options.buildThreads },
      points: served.reduce((sum, collection) => sum + collection.pointsCount, 0),
      memory: sumMemory(served.map((collection) => collection.describe().memory)),
      budget: { limit_bytes: memory.limitBytes, used_bytes: memory.usedBytes },
    };
  }

  /** Ends writes and builds, answers the searches in flight, closes all files and gives the data directory back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { searchPool, buildPool, filterPool, directory } = this.#services;
    await this.loaded;
    await Promise.allSettled(this.#changes);
    const reason = new ServiceError('shutting_down');
    await Promise.allSettled(this.#served().map((collection) => collection.close(reason)));
    const pools = [searchPool.close(), buildPool.close(), filterPool.closeAll(), this.ingest.close()];
    await Promise.allSettled(pools);
    await this.#catalog.close();
    await directory.close();
  }

  /** Runs a creation or a drop; the name is taken meanwhile, and is again what it was if that fails. */
  async #change<Result>(
    name: string,
    state: 'creating' | 'dropping',
    work: () => Promise<Result>,
  ): Promise<Result> {
    const before = this.#places.get(name);
    this.#places.set(name, { state });
    const working = work();
    this.#changes.add(working);
    try {
      return await working;
    } catch (error) {
      if (this.#places.get(name)?.state !== state) throw error;
      if (before) this.#places.set(name, before);
      else this.#places.delete(name);
      throw error;
    } finally {
      this.#changes.delete(working);
    }
  }

  /** One after the other: each reads its index as fast as the disk gives it. */
  async #load({ entries, leftovers }: Found): Promise<void> {
    const { directory, log } = this.#services;
    for (const entry of entries) {
      if (this.#closing) return;
      this.#places.set(entry.name, await this.#open(entry));
    }
    for (const id of leftovers) {
      await directory
        .removeCollection(id)
        .catch((error) => log.warn({ id, error }, 'leftover could not be removed'));
    }
  }

  async #keepEntry(entry: CatalogEntry<IndexSettings>): Promise<void> {
    const state = this.#places.get(entry.name)?.state;
    // A drop has removed the entry, or is about to: it must not come back, nor take the place of a new one.
    const isPresent = this.#catalog.get(entry.name)?.id === entry.id;
    if (isPresent && (state === 'served' || state === 'loading')) await this.#catalog.put(entry);
  }

  /** A damaged collection is set aside; the others are served. */
  async #open(entry: CatalogEntry<IndexSettings>): Promise<Place> {
    const { log } = this.#services;
    try {
      const startedAt = performance.now();
      const collection = await openCollection(this.#services, entry);
      const milliseconds = Math.round(performance.now() - startedAt);
      log.info({ collection: entry.name, points: collection.pointsCount, milliseconds }, 'collection opened');
      return { state: 'served', collection };
    } catch (error) {
      log.error({ collection: entry.name, error }, 'collection cannot be opened; the others are served');
      return { state: 'damaged', reason: reasonOf(error) };
    }
  }

  #served(): Collection[] {
    const places = [...this.#places].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return places.flatMap(([, place]) => (place.state === 'served' ? [place.collection] : []));
  }

  #names(state: Place['state']): string[] {
    return [...this.#places].filter(([, place]) => place.state === state).map(([name]) => name);
  }
}

/** Files are named only in the log; what is too large for the RAM there is can be served after a restart with more. */
function reasonOf(error: unknown): string {
  if (!(error instanceof ServiceError)) return 'it could not be opened, the log tells why';
  return error.code === 'memory_full' ? `${error.code}, ${error.message}` : error.code;
}

function budgetOf({ memoryBytesMax, searchThreads }: CollectionsOptions, log: Log): MemoryBudget {
  const limit = memoryBytesMax ? { bytes: memoryBytesMax, source: 'MEMORY_BYTES_MAX' } : findMemoryLimit();
  const allowance = allowanceBytes(limit.bytes, searchThreads);
  log.info({ limit: limit.bytes, source: limit.source, allowance }, 'memory limit');
  return new MemoryBudget(limit.bytes, allowance);
}

interface Found {
  entries: CatalogEntry<IndexSettings>[];
  /** Ids of directories that a crash left behind while their collection was being created or dropped. */
  leftovers: string[];
}

/** What is there at the start, before anything can be created. */
async function lookAround(directory: DataDirectory, catalog: Catalog<IndexSettings>): Promise<Found> {
  const entries = catalog.list();
  const known = new Set(entries.map((entry) => entry.id));
  const ids = await directory.collectionIds();
  return { entries, leftovers: ids.filter((id) => !known.has(id)) };
}

function logPoolError(log: Log): (error: unknown) => void {
  return (error) => log.error({ error }, 'a worker thread failed');
}
