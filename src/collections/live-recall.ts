// The recall that the searches of a collection have in service: now and then one of them is run again in idle time,
// beside an exact one. Main thread; the scans are the workers'.

import { ServiceError } from '../errors.js';
import type { Query } from '../index/query.js';
import type { CollectionSearch } from './collection-search.js';
import { type Effort, planFor } from './plan-for.js';
import { pointsStamp, recallOf } from './recall.js';
import type { Views } from './views.js';

/** The gauge is the mean of so many last samples. */
const SAMPLES_MAX = 200;
/** Of all time, what goes into measuring at most. */
const TIME_SHARE = 0.02;
const PAUSE_MS_MIN = 1000;
/** So long nobody must have searched; looked at as often. */
const IDLE_MS = 250;

/** A search that was answered: what was asked for, and the vector and number of neighbours it came to. */
interface Asked {
  request: Effort;
  vector: Float32Array;
  k: number;
}

export interface LiveRecallOptions {
  views: Views;
  search: Pick<CollectionSearch, 'ask'>;
  /** For how long no search has run; 0 while anything else would be held up. */
  idleMs(): number;
  /** Of full vectors: where there are more an exact search would drive what is hot out of the page cache. */
  vectorBytesMax: number;
  /** Told of defects. */
  failed(error: unknown): void;
  /** Bytes of a full vector. */
  rowBytes: number;
}

export class LiveRecall {
  readonly #options: LiveRecallOptions;
  readonly #recalls: number[] = [];
  #samples = 0;
  #waiting: Asked | undefined;
  #timer: NodeJS.Timeout | undefined;
  #measuring: Promise<void> | undefined;
  #nextMs = 0;
  readonly #stop = new AbortController();

  constructor(options: LiveRecallOptions) {
    this.#options = options;
  }

  /** Mean recall of the last samples, whatever index they ran on; null before the first. */
  get recall(): number | null {
    const count = this.#recalls.length;
    return count === 0 ? null : this.#recalls.reduce((sum, recall) => sum + recall, 0) / count;
  }

  /** Searches measured so far. */
  get samples(): number {
    return this.#samples;
  }

  /** A search that was answered by the index; most are let go. */
  offer(request: Effort, { vector, k }: Query): void {
    if (this.#waiting !== undefined || performance.now() < this.#nextMs) return;
    if (this.#stop.signal.aborted) return;
    this.#waiting = { request, vector: vector.slice(), k };
    this.#wait();
  }

  /** Ends measuring; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort(new ServiceError('shutting_down'));
    clearTimeout(this.#timer);
    await this.#measuring;
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      if (this.#options.idleMs() < IDLE_MS) return this.#wait();
      this.#measuring = this.#measure(this.#waiting as Asked);
    }, IDLE_MS).unref();
  }

  async #measure(asked: Asked): Promise<void> {
    const startedMs = performance.now();
    try {
      const recall = await this.#sample(asked);
      if (recall !== undefined) this.#keep(recall);
    } catch (error) {
      // The collection is closed, or full of work: another search will do.
      if (!(error instanceof ServiceError)) this.#options.failed(error);
    }
    const tookMs = performance.now() - startedMs;
    this.#nextMs = performance.now() + Math.max(PAUSE_MS_MIN, tookMs / TIME_SHARE);
    this.#waiting = undefined;
  }

  #sample({ request, vector, k }: Asked): Promise<number | undefined> {
    const { views, search, vectorBytesMax, rowBytes } = this.#options;
    return views.use(async (live) => {
      const vectors = live.view.slots + live.served.generation.pendingCount;
      if (vectors * rowBytes > vectorBytesMax) return undefined;
      // Planned and searched anew: the index may be another by now, and both answers must be of the same points.
      const query = { vector, k, ...planFor(live, request) };
      if (query.exact) return undefined;
      const caller = { isBatch: true, signal: this.#stop.signal };
      const before = pointsStamp(live);
      const found = await search.ask(live, query, caller);
      const truth = await search.ask(live, { ...query, exact: true }, caller);
      return pointsStamp(live) === before ? recallOf(found, truth, undefined, query.k) : undefined;
    });
  }

  #keep(recall: number): void {
    this.#samples++;
    this.#recalls.push(recall);
    if (this.#recalls.length > SAMPLES_MAX) this.#recalls.shift();
  }
}
