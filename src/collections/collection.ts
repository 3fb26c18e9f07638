// One collection: what can be asked of it and done to it. Main thread; holds no vectors and scans none.

import type { BuildPlan, BuildRequest, BuildStatus } from '../contract/build.js';
import type {
  CountResponse,
  DeleteResponse,
  UpdatePayload,
  UpdateResponse,
} from '../contract/chosen-points.js';
import type { CollectionDescription } from '../contract/collections.js';
import type { FacetRequest, FacetResponse } from '../contract/facet.js';
import type { Filter } from '../contract/filter.js';
import type { Backend } from '../contract/index-settings.js';
import type { Payload } from '../contract/payload.js';
import type { PayloadIndexDescription, PayloadIndexType } from '../contract/payload-index.js';
import type { PointBatch, PointShape } from '../contract/point-batch.js';
import { idKey, type PointId } from '../contract/points.js';
import type { RecallReport, RecallRequest } from '../contract/recall.js';
import type { ScrollRequest } from '../contract/scroll.js';
import type { SearchRequest, SearchResponse } from '../contract/search.js';
import { unindexedWarnings } from '../contract/warnings.js';
import { ServiceError } from '../errors.js';
import type { IndexSettings } from '../index/settings.js';
import { collectWhenIdle } from '../workers/collect-when-idle.js';
import { buildIndex } from './build-index.js';
import { BuildJob } from './build-job.js';
import { checkBuild, describePlan, planBuild } from './build-plan.js';
import { type Choice, deleteChosen, updateChosen } from './chosen-points.js';
import type { CollectionParts } from './collection-parts.js';
import type { Caller } from './collection-search.js';
import { convertStorage } from './convert-storage.js';
import { describeCollection } from './describe.js';
import { searchGroups } from './group-search.js';
import { decodePayload } from './payloads.js';
import { measureRecall } from './recall.js';
import { type ScrollPage, scrollPoints } from './scroll.js';
import { searchBatch } from './search-batch.js';
import { overrideSettings } from './settings.js';

export interface StoredPoint {
  id: PointId;
  vector: Float32Array;
  payload?: Payload;
}

export class Collection {
  readonly name: string;
  /** What its points must be like. */
  readonly shape: PointShape;
  readonly #parts: CollectionParts;
  #build: BuildJob | undefined;
  #converting: Promise<void> | undefined;

  constructor(parts: CollectionParts) {
    this.#parts = parts;
    this.name = parts.entry.name;
    const { dimension, metric, precision } = parts.entry;
    this.shape = { dimension, metric, precision };
  }

  describe(): CollectionDescription {
    return describeCollection(this.#parts, this.#build?.isActive ?? false);
  }

  get pointsCount(): number {
    return this.#parts.writer.meta.pointsCount;
  }

  /** Mutations that wait for their commit. */
  get queuedMutations(): number {
    return this.#parts.writer.queueSize;
  }

  /**
   * Stores or replaces the points of a batch whose ids are unique. Durable and visible to searches once it resolves.
   * @throws too_many_requests, disk_full, memory_full, collection_full, writes_stopped
   */
  async upsert(batch: PointBatch): Promise<{ upserted: number; sequence: number }> {
    const { affected, sequence } = await this.#parts.writer.submit({ kind: 'upsert', batch });
    return { upserted: affected, sequence };
  }

  /** Removes the chosen points that are there; `deleted` counts them. @throws as `upsert`, but works on a full disk; storage_corrupt */
  async deletePoints(choice: Choice): Promise<DeleteResponse> {
    return deleteChosen(this.#parts, choice);
  }

  /** Changes the payloads of the chosen points that are there. @throws as `upsert`, storage_corrupt, validation_failed */
  async updatePayload(request: UpdatePayload): Promise<UpdateResponse> {
    return updateChosen(this.#parts, request);
  }

  /** Exactly the points that meet the filter. @throws storage_corrupt, too_many_requests */
  async countPoints(filter?: Filter): Promise<CountResponse> {
    if (filter === undefined) return { count: this.pointsCount };
    const { count, unindexedKeys } = await this.#parts.filters.count(filter);
    return { count, ...unindexedWarnings(unindexedKeys) };
  }

  /** The most frequent values of a key. @throws storage_corrupt, too_many_requests */
  async facet({ key, filter, limit }: FacetRequest): Promise<FacetResponse> {
    const { facets, unindexedKeys } = await this.#parts.filters.facet(key, filter ?? {}, limit);
    return { facets, ...unindexedWarnings(unindexedKeys) };
  }

  listPayloadIndexes(): Promise<PayloadIndexDescription[]> {
    return this.#parts.filters.listIndexes();
  }

  /** Durable once it resolves, and filled in the background. @throws as `Filters.setIndex` */
  setPayloadIndex(key: string, type: PayloadIndexType): Promise<PayloadIndexDescription> {
    return this.#parts.filters.setIndex(key, type);
  }

  /** @throws payload_index_not_found, writes_stopped */
  dropPayloadIndex(key: string): Promise<void> {
    return this.#parts.filters.dropIndex(key);
  }

  /** @throws point_not_found, storage_corrupt */
  async getPoint(id: PointId): Promise<StoredPoint> {
    const { views, store, vectors } = this.#parts;
    return views.use(async (live) => {
      const record = store.get(idKey(id));
      if (!record) throw new ServiceError('point_not_found', { id });
      const point: StoredPoint = { id: record.id, vector: vectors.readPoint(live, record) };
      if (record.payload) point.payload = decodePayload(record.payload);
      return point;
    });
  }

  /** The points behind the request's cursor, in an order that no write changes. @throws storage_corrupt */
  async scrollPoints(request: ScrollRequest): Promise<ScrollPage> {
    return scrollPoints(this.#parts, request);
  }

  /** @throws as `CollectionSearch.search` */
  async search(request: SearchRequest, caller: Caller = {}): Promise<SearchResponse> {
    const { search } = this.#parts;
    const { group_by } = request;
    return group_by === undefined
      ? search.search(request, caller)
      : searchGroups(search, { ...request, group_by }, caller);
  }

  /** The answer to each request, in order; one that fails fails them all. @throws as `search` */
  async searchBatch(requests: readonly SearchRequest[], caller: Caller = {}): Promise<SearchResponse[]> {
    return searchBatch(this.#parts.search, requests, caller);
  }

  /** @throws collection_empty, too_many_requests, overloaded; of the request's vectors what `search` does, telling which one it is */
  async measureRecall(request: RecallRequest): Promise<RecallReport> {
    return measureRecall({ ...this.#parts, name: this.name }, request);
  }

  /** What was measured of searches in idle time; `recall` is null before the first. */
  get liveRecall(): { recall: number | null; samples: number } {
    return this.#parts.liveRecall;
  }

  /** The build that runs, or the last one since the service was started. */
  get build(): BuildJob | undefined {
    return this.#build;
  }

  /**
   * Starts to build an index of all points; searches go on meanwhile. Settings that are given hold for later builds, too.
   * @throws build_running, collection_empty, memory_full, validation_failed on bits that the quantizer does not have
   */
  startBuild(request: BuildRequest): BuildJob {
    const settings = this.#settingsForBuild(request);
    checkBuild(this.#parts, planBuild(this.#parts, settings).size);
    const { pointsCount } = this.#parts.writer.meta;
    const job = new BuildJob({ generation: this.#parts.views.current.served.number + 1, pointsCount });
    this.#build = job;
    void this.#runBuild(job, settings);
    return job;
  }

  /** What `startBuild` would take, without starting. @throws as `startBuild`, but tells of memory_full and disk_full */
  async planBuild(request: BuildRequest): Promise<BuildPlan> {
    return describePlan(this.#parts, this.#settingsForBuild(request));
  }

  /** Resolves with the status once the build has stopped. @throws build_not_found when none is running */
  async cancelBuild(): Promise<BuildStatus> {
    const job = this.#build;
    if (!job?.isActive) throw new ServiceError('build_not_found', { name: this.name });
    job.cancel();
    return job.done;
  }

  /**
   * Moves the full vectors to `backend` while searches go on.
   * @throws storage_unchanged, build_running, storage_corrupt, writes_stopped
   */
  async convertStorage(backend: Backend): Promise<void> {
    this.#refuseWhileBuilding();
    const before = this.#converting;
    const converting = (async () => {
      await before?.catch(() => {});
      await convertStorage(this.#parts, backend);
    })();
    this.#converting = converting;
    try {
      await converting;
    } finally {
      if (this.#converting === converting) this.#converting = undefined;
    }
    await this.#parts.diskUsage.measure();
  }

  /** Ends writes, the build and, once those in flight are answered, searches; what comes later gets `reason`. */
  async close(reason: ServiceError): Promise<void> {
    const { writer, encoder, liveRecall, views, pending, store, vectorClaim, filters } = this.#parts;
    const stopped = writer.close(reason);
    this.#build?.cancel();
    await Promise.all([stopped, this.#build?.done, this.#converting?.catch(() => {})]);
    await Promise.all([encoder.stop(), liveRecall.stop()]);
    // First: searches under filters may wait for it.
    await filters.close(reason);
    const { claim } = views.current.served;
    await views.close(reason);
    await pending.close();
    await store.close();
    for (const unused of [claim, vectorClaim]) unused.release(collectWhenIdle());
  }

  #settingsForBuild(request: BuildRequest): IndexSettings {
    this.#refuseWhileBuilding();
    const { writer, views } = this.#parts;
    if (writer.meta.pointsCount === 0) throw new ServiceError('collection_empty', { name: this.name });
    return overrideSettings(views.current.served.generation.settings, request);
  }

  #refuseWhileBuilding(): void {
    const job = this.#build;
    if (job?.isActive)
      throw new ServiceError('build_running', { name: this.name, state: job.status().state });
  }

  async #runBuild(job: BuildJob, settings: IndexSettings): Promise<void> {
    const { log } = this.#parts.services;
    const fields = { collection: this.name, generation: job.generation };
    try {
      await this.#converting?.catch(() => {});
      await buildIndex(this.#parts, job, settings);
      await this.#parts.diskUsage.measure();
      job.succeed();
      log.info({ ...fields, points: job.pointsCount, seconds: job.elapsedSeconds }, 'index built');
    } catch (error) {
      job.fail(error);
      // All points may have been deleted between the start of a build and its list of them: nobody's fault.
      const isEmpty = error instanceof ServiceError && error.code === 'collection_empty';
      if (isEmpty) log.info(fields, 'index build found no points');
      else if (job.status().state === 'failed') log.error({ ...fields, error }, 'index build failed');
      else log.info(fields, 'index build canceled');
    }
  }
}
