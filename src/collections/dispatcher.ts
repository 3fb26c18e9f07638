// Hands work to the search pool in fair order: at once while a thread is free, otherwise queries that wait go out
// together, because the hop to a thread costs as much as a search. One for all collections. Main thread.

import { ServiceError } from '../errors.js';
import { mergeAnswers } from '../index/merge-answers.js';
import type { Answer, PendingCounts, Query, QueryPart } from '../index/query.js';
import { QUEUED_SEARCHES_MAX, QUEUED_SEARCHES_OF_COLLECTION_MAX } from '../limits.js';
import type { SearchView } from '../workers/messages.js';
import type { SearchPool } from '../workers/search-pool.js';
import { DispatchFigures } from './dispatch-figures.js';
import type { EndSignal } from './end-signal.js';
import { FairQueue, type Lane, type Waiting } from './fair-queue.js';

/** Queries of one task: 16 amortise the hop, more would only make the first of them late. */
const QUERIES_PER_TASK = 16;
/** Queries that cost more together go out apart, so that other threads take their share. */
const TASK_NS_MAX = 4_000_000;
/** Short tasks are sent ahead to busy threads, which need not wait for this one then; no more than this a thread. */
const AHEAD_NS_MAX = 1_000_000;

/** Who wants a search, and how. */
export interface Errand {
  /** Collections take turns. */
  collection: string;
  lane: Lane;
  /** What it will take on a thread, estimated. */
  costNs: number;
  /** Aborted when nobody waits for the answer any more; its reason is what the search fails with while it is queued. */
  signal?: EndSignal | undefined;
}

type Work =
  | { kind: 'search'; query: Query; part: QueryPart | undefined; resolve: (answer: Answer) => void }
  | { kind: 'encode'; resolve: (left: number) => void };

interface Entry extends Waiting {
  view: SearchView;
  work: Work;
  reject: (error: unknown) => void;
  queuedMs: number;
  signal: EndSignal | undefined;
  /** Listens to the signal as long as the entry is queued. */
  leave: () => void;
}

export interface QueueLimits {
  queuedMax: number;
  /** Of one collection, so that there is room for the others. */
  queuedOfCollectionMax: number;
}

const LIMITS: QueueLimits = {
  queuedMax: QUEUED_SEARCHES_MAX,
  queuedOfCollectionMax: QUEUED_SEARCHES_OF_COLLECTION_MAX,
};

export class Dispatcher {
  readonly figures = new DispatchFigures();
  readonly #pool: Pick<SearchPool, 'threads' | 'search' | 'encodePending'>;
  readonly #limits: QueueLimits;
  readonly #queue = new FairQueue<Entry>();
  /** Tasks that threads have, and what they cost together. */
  #tasks = 0;
  #tasksNs = 0;
  #scheduled = false;
  /** When the last task ended. */
  #lastEndMs = performance.now();

  constructor(pool: Pick<SearchPool, 'threads' | 'search' | 'encodePending'>, limits = LIMITS) {
    this.#pool = pool;
    this.#limits = limits;
  }

  /** Queries that wait for a thread. */
  get queueSize(): number {
    return this.#queue.size;
  }

  /** For how long nothing has run and nothing waited. */
  get idleMs(): number {
    return this.#tasks > 0 || this.#queue.size > 0 ? 0 : performance.now() - this.#lastEndMs;
  }

  /** Threads with nothing to do, and nobody waiting for them. */
  get idleThreads(): number {
    return this.#queue.size > 0 ? 0 : Math.max(0, this.#pool.threads - this.#tasks);
  }

  /**
   * The answer to a query, or to a part of it.
   * @throws overloaded when too many queries wait already, too_many_requests when they are this collection's; the reason
   * of the errand's signal
   */
  search(view: SearchView, query: Query, errand: Errand, part?: QueryPart): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#enqueue({ kind: 'search', query, part, resolve }, view, errand, reject);
    });
  }

  /**
   * One query as `parts` tasks, of which each thread has one at a time: a long scan neither keeps a thread from others
   * nor fills the queue. @throws as `search`
   */
  async searchInParts(
    view: SearchView,
    query: Query,
    parts: number,
    counts: PendingCounts,
    errand: Errand,
  ): Promise<Answer> {
    const ofPart = { ...errand, costNs: errand.costNs / parts };
    let merged: Answer | undefined;
    let next = 0;
    let failure: { error: unknown } | undefined;
    const work = async () => {
      while (next < parts && failure === undefined) {
        const part = { index: next++, count: parts, counts };
        try {
          const answer = await this.search(view, query, ofPart, part);
          merged = merged === undefined ? answer : mergeAnswers(merged, answer, query.k);
        } catch (error) {
          failure ??= { error };
        }
      }
    };
    // All of them are awaited, also after one has failed: the view stays in use as long as a thread reads it.
    await Promise.all(Array.from({ length: Math.min(parts, this.#pool.threads) }, work));
    if (failure !== undefined) throw failure.error;
    return merged as Answer;
  }

  /** Has codes made of some pending rows; returns how many are left. Not twice at once for one view. */
  encodePending(view: SearchView, errand: Errand): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#enqueue({ kind: 'encode', resolve }, view, errand, reject);
    });
  }

  #enqueue(work: Work, view: SearchView, errand: Errand, reject: (error: unknown) => void): void {
    const { collection, lane, costNs, signal } = errand;
    const refusal = signal?.aborted ? signal.reason : this.#refusal(collection);
    if (refusal !== undefined) {
      reject(refusal);
      return;
    }
    const leave = () => this.#leave(entry);
    const queuedMs = performance.now();
    const entry: Entry = { collection, lane, costNs, view, work, reject, queuedMs, signal, leave };
    signal?.addEventListener('abort', leave);
    this.#queue.push(entry);
    this.#schedule();
  }

  #refusal(collection: string): ServiceError | undefined {
    if (this.#queue.size >= this.#limits.queuedMax) {
      this.figures.dropped.overloaded++;
      return new ServiceError('overloaded');
    }
    if (this.#queue.sizeOf(collection) >= this.#limits.queuedOfCollectionMax) {
      this.figures.dropped.too_many_requests++;
      return new ServiceError('too_many_requests', { what: 'searches of this collection' });
    }
    return undefined;
  }

  /** Nobody waits for the entry any more. What a thread has already is left to end. */
  #leave(entry: Entry): void {
    this.#queue.remove(entry);
    const reason: unknown = entry.signal?.reason;
    const isLate = reason instanceof ServiceError && reason.code === 'timeout';
    this.figures.dropped[isLate ? 'timeout' : 'client_left']++;
    entry.reject(reason);
  }

  /** What comes in one turn of the event loop is looked at together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#startWaiting();
    });
  }

  #startWaiting(): void {
    while (this.#hasRoom()) {
      const idle = this.#pool.threads - this.#tasks;
      const share = Math.ceil(this.#queue.size / (idle > 0 ? idle : this.#pool.threads));
      const entries = this.#queue.take(Math.min(QUERIES_PER_TASK, share), TASK_NS_MAX, goTogether);
      if (entries === undefined) return;
      void this.#run(entries);
    }
  }

  #hasRoom(): boolean {
    const { threads } = this.#pool;
    if (this.#tasks < threads) return true;
    return this.#tasks < 2 * threads && this.#tasksNs < AHEAD_NS_MAX * threads;
  }

  async #run(entries: [Entry, ...Entry[]]): Promise<void> {
    const costNs = entries.reduce((sum, entry) => sum + entry.costNs, 0);
    for (const { signal, leave } of entries) signal?.removeEventListener('abort', leave);
    this.#count(entries);
    this.#tasks++;
    this.#tasksNs += costNs;
    try {
      await this.#post(entries);
    } catch (error) {
      for (const { reject } of entries) reject(error);
    }
    this.#tasks--;
    this.#tasksNs -= costNs;
    this.#lastEndMs = performance.now();
    this.#startWaiting();
  }

  #count(entries: [Entry, ...Entry[]]): void {
    if (entries[0].work.kind !== 'search') return;
    const nowMs = performance.now();
    for (const { queuedMs } of entries) this.figures.waitSeconds.observe((nowMs - queuedMs) / 1000);
    this.figures.taskQueries.observe(entries.length);
  }

  async #post(entries: [Entry, ...Entry[]]): Promise<void> {
    const [{ view, work }] = entries;
    if (work.kind === 'encode') return work.resolve(await this.#pool.encodePending(view));
    const queries = entries.flatMap((entry) => (entry.work.kind === 'search' ? [entry.work.query] : []));
    const answers = await this.#pool.search(view, queries, work.part);
    for (const [index, entry] of entries.entries()) {
      if (entry.work.kind === 'search') entry.work.resolve(answers[index] as Answer);
    }
  }
}

/** Whole queries of one view. */
function goTogether(head: Entry, other: Entry): boolean {
  return head.view === other.view && isWhole(head) && isWhole(other);
}

function isWhole({ work }: Entry): boolean {
  return work.kind === 'search' && work.part === undefined;
}
