// Creates a collection's files, or opens what is there: checks it, removes what a crash left over, and shows it to
// searches. Main thread.

import type { Backend } from '../contract/index-settings.js';
import { rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import type { IndexSettings } from '../index/settings.js';
import type { CatalogEntry } from '../storage/catalog.js';
import { PendingSegments } from '../storage/pending-segments.js';
import { type Meta, PointsStore } from '../storage/points-store.js';
import { VectorReader } from '../storage/vectors.js';
import { collectWhenIdle } from '../workers/collect-when-idle.js';
import { loadGeneration } from '../workers/generation-files.js';
import { Collection } from './collection.js';
import type { CollectionParts, Services } from './collection-parts.js';
import { CollectionSearch } from './collection-search.js';
import { clearTombstones, markTombstones } from './dead-rows.js';
import { DiskUsage } from './disk-usage.js';
import { Filters } from './filters.js';
import { emptyShape, generationBytes } from './generation-memory.js';
import { LiveRecall } from './live-recall.js';
import type { MemoryClaim } from './memory-budget.js';
import { PendingEncoder } from './pending-encoder.js';
import { publish, showFiles } from './publish.js';
import { reserveRows, vectorsBytes } from './reserve-rows.js';
import { salvage } from './salvage.js';
import { ServedGeneration } from './served-generation.js';
import { StoredVectors } from './stored-vectors.js';
import { Views } from './views.js';
import { Writer } from './writer.js';

type Entry = CatalogEntry<IndexSettings>;

/** What is open once the counters are known. */
type Files = Pick<CollectionParts, 'services' | 'entry' | 'paths' | 'store' | 'pending' | 'vectorClaim'>;

/**
 * The files of a new, empty collection, and the collection over them; the catalog is the caller's to write.
 * @throws memory_full before anything is written
 */
export async function createCollection(
  services: Services,
  entry: Entry,
  backend: Backend,
): Promise<Collection> {
  services.memory.check(generationBytes(emptyShape(entry.index, 0), services.searchPool.threads));
  const paths = await services.directory.createCollection(entry.id);
  const store = await PointsStore.open(paths.points);
  try {
    const counters = { sequence: 0, nextRow: 0, pointsCount: 0, generation: 0, rowBase: 0 };
    const meta: Meta = { formatVersion: 1, backend, ...counters };
    await store.commit({ put: [], removeRows: [], removeKeys: [], meta });
  } finally {
    await store.close();
  }
  return openCollection(services, entry);
}

/**
 * Opens a collection. One whose index is damaged while its vectors are whole comes up without the index, and builds a
 * new one in the background.
 * @throws storage_corrupt, memory_full
 */
export async function openCollection(services: Services, entry: Entry): Promise<Collection> {
  const paths = services.directory.collection(entry.id);
  const store = await PointsStore.open(paths.points);
  let pending: PendingSegments | undefined;
  const vectorClaim = services.memory.claim();
  try {
    const meta = readMeta(store, paths.points);
    const rows = meta.nextRow - meta.rowBase;
    if (meta.backend === 'memory') vectorClaim.resize(rows * rowBytes(entry));
    await services.memory.settled();
    pending = await PendingSegments.open({
      directory: paths.segments,
      rows: { dimension: entry.dimension, precision: entry.precision },
      rowBase: meta.rowBase,
      rowEnd: meta.nextRow,
      backend: meta.backend,
    });
    return await serve({ services, entry, paths, store, pending, vectorClaim }, meta);
  } catch (error) {
    await pending?.close();
    await store.close();
    vectorClaim.release(collectWhenIdle());
    throw error;
  }
}

/** @throws storage_corrupt */
function readMeta(store: PointsStore, path: string): Meta {
  const meta = store.meta();
  if (meta?.formatVersion === 1) return meta;
  const reason = meta
    ? `its format version is ${meta.formatVersion}, this program reads 1`
    : 'it has no counters';
  throw new ServiceError('storage_corrupt', { path, reason });
}

async function serve(files: Files, found: Meta): Promise<Collection> {
  const claim = files.services.memory.claim();
  try {
    const { served, meta } = await openGeneration(files, found, claim);
    return await serveGeneration(files, served, meta);
  } catch (error) {
    claim.release(collectWhenIdle());
    throw error;
  }
}

async function serveGeneration(files: Files, served: ServedGeneration, meta: Meta): Promise<Collection> {
  const { services, entry, paths, store } = files;
  await reserveRows({ ...files, ...services, rowBytes: rowBytes(entry) }, served, meta.nextRow);
  served.publish(meta.nextRow);
  const gone = await markTombstones(served, store);
  const counted = served.indexedCount + served.pendingCount;
  if (counted !== meta.pointsCount) {
    const reason = `${meta.pointsCount} points are recorded, ${counted} vectors are there`;
    throw new ServiceError('storage_corrupt', { path: paths.root, reason });
  }
  await removeOtherGenerations(files, meta.generation);
  const parts = assemble(files, served, meta);
  const collection = new Collection(parts);
  await parts.diskUsage.measure();
  parts.encoder.wake();
  void clearTombstones(parts.writer, gone, services.log);
  // Rows were indexed once, but no index is left: it was damaged, now or before a stop cut off its replacement.
  const hasLostIndex = meta.generation === 0 && meta.rowBase > 0;
  if (hasLostIndex && meta.pointsCount > 0) rebuild(collection, services);
  return collection;
}

function rebuild(collection: Collection, { log }: Services): void {
  try {
    collection.startBuild({});
  } catch (error) {
    log.error({ collection: collection.name, error }, 'the index is not built again: searches are slow');
  }
}

/** The generation the counters name; where its index is damaged, an empty one with its points appended. */
async function openGeneration(
  files: Files,
  meta: Meta,
  claim: MemoryClaim,
): Promise<{ served: ServedGeneration; meta: Meta }> {
  const { services, entry, store, pending } = files;
  const { dimension, precision } = entry;
  if (meta.generation === 0) return { served: await emptyGeneration(files, meta, claim), meta };
  const directory = services.directory.generationPath(entry.id, meta.generation);
  try {
    return { served: await loadServed(files, meta, directory, claim), meta };
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === 'storage_corrupt')) throw error;
    services.log.error(
      { collection: entry.name, error },
      'the index is damaged; it is built again from the vectors',
    );
    const salvaged = await salvage({ store, pending, directory, rows: { dimension, precision } }, meta);
    return { served: await emptyGeneration(files, salvaged, claim), meta: salvaged };
  }
}

/** @throws storage_corrupt, memory_full */
async function loadServed(
  { services, entry, vectorClaim }: Files,
  meta: Meta,
  directory: string,
  claim: MemoryClaim,
): Promise<ServedGeneration> {
  const loaded = await loadGeneration(directory, entry.precision, (bytes) => claim.resize(bytes));
  const { generation } = loaded;
  claim.resize(generationBytes(generation, services.searchPool.threads));
  new VectorReader(loaded.leafVectors).validate(generation.slots);
  if (meta.backend === 'memory')
    vectorClaim.resize(vectorsBytes({ generation }, meta.nextRow, rowBytes(entry)));
  await services.memory.settled();
  return ServedGeneration.of(meta.generation, loaded, meta.backend, claim);
}

function emptyGeneration(
  { services, entry }: Files,
  { rowBase }: Meta,
  claim: MemoryClaim,
): Promise<ServedGeneration> {
  claim.resize(generationBytes(emptyShape(entry.index, rowBase), services.searchPool.threads));
  return ServedGeneration.empty(entry.index, rowBase, claim);
}

function assemble(files: Files, served: ServedGeneration, meta: Meta): CollectionParts {
  const { services, entry, paths, store, pending, vectorClaim } = files;
  const views = new Views(entry.id, (viewKey, generationKey) =>
    services.searchPool.release(viewKey, generationKey),
  );
  void views.show(served, pending.descriptor());
  const vectors = new StoredVectors();
  const { dispatcher, disk, memory, log } = services;
  const room = { memory, vectorClaim, pending, rowBytes: rowBytes(entry) };
  const { name, dimension, metric, precision } = entry;
  const collection = entry.id;
  const search: CollectionSearch = new CollectionSearch({
    ...{ collection, dimension, metric, store, views, vectors, dispatcher },
    mask: (served, filter) => filters.mask(served, filter),
    searched: (request, query) => liveRecall.offer(request, query),
  });
  const liveRecall = new LiveRecall({
    views,
    search,
    idleMs: () => (services.buildClaims.size > 0 ? 0 : dispatcher.idleMs),
    vectorBytesMax: memory.limitBytes / 2,
    failed: (error) => log.error({ collection: name, error }, 'the recall of a search was not measured'),
    rowBytes: rowBytes(entry),
  });
  const encoder = new PendingEncoder({ collection, views, dispatcher, log });
  const writer = new Writer({
    name,
    rowBytes: rowBytes({ dimension, precision }),
    meta,
    store,
    pending,
    disk,
    reserve: (nextRow) => reserveRows(room, views.current.served, nextRow),
    appended: () => showFiles(views, pending),
    publish: (committed) => {
      publish(views, committed);
      filters.changed(committed.points);
      encoder.wake();
    },
  });
  const { filterPool: pool } = services;
  const filters: Filters = new Filters({
    ...{ collection, name, path: paths.points, pool, writer, log },
    memory: services,
  });
  const diskUsage = new DiskUsage(paths.root);
  return { ...files, writer, filters, views, vectors, search, liveRecall, encoder, diskUsage };
}

/** Of builds that a crash ended, or that were replaced just before it. */
async function removeOtherGenerations({ services, entry }: Files, generation: number): Promise<void> {
  for (const number of await services.directory.generations(entry.id)) {
    if (number !== generation) await services.directory.removeGeneration(entry.id, number);
  }
}
