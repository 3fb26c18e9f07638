// Hands queries to the search pool: at once while a thread is free; otherwise those of one view that wait go out
// together, because the hop to a worker costs as much as a search. One for all collections. Main thread.

import { ServiceError } from '../errors.js';
import type { Answer, PendingCounts, Query, QueryPart } from '../index/query.js';
import { QUEUED_SEARCHES_MAX } from '../limits.js';
import type { SearchView } from '../workers/messages.js';
import type { SearchPool } from '../workers/search-pool.js';
import { mergeAnswers } from './merge-answers.js';

/** Queries of one task: 16 amortise the hop, more would only make the first of them late. */
const QUERIES_PER_TASK = 16;

interface Waiting {
  view: SearchView;
  query: Query;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export class Dispatcher {
  readonly #pool: SearchPool;
  readonly #queuedMax: number;
  #waiting: Waiting[] = [];
  #busy = 0;
  #scheduled = false;

  constructor(pool: SearchPool, queuedMax: number = QUEUED_SEARCHES_MAX) {
    this.#pool = pool;
    this.#queuedMax = queuedMax;
  }

  /** Queries that wait for a thread. */
  get queueSize(): number {
    return this.#waiting.length;
  }

  /** Threads with nothing to do, and nobody waiting for them. */
  get idleThreads(): number {
    return this.#waiting.length > 0 ? 0 : Math.max(0, this.#pool.threads - this.#busy);
  }

  /** @throws too_many_requests when too many queries wait already. */
  search(view: SearchView, query: Query): Promise<Answer> {
    if (this.#waiting.length >= this.#queuedMax) {
      return Promise.reject(new ServiceError('too_many_requests', { what: 'searches' }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ view, query, resolve, reject });
      this.#schedule();
    });
  }

  /** One query as `parts` tasks side by side, for a scan that is long enough to be worth it. */
  async searchSplit(view: SearchView, query: Query, parts: number, counts: PendingCounts): Promise<Answer> {
    const shares = Array.from({ length: parts }, (_, index) =>
      this.#task(view, [query], { index, count: parts, counts }),
    );
    // Every share is awaited, also after one has failed: the view stays in use as long as a thread reads it.
    const answers = (await Promise.allSettled(shares)).map((share) => {
      if (share.status === 'rejected') throw share.reason;
      return share.value[0] as Answer;
    });
    return mergeAnswers(answers, query.k);
  }

  /** Queries of one turn of the event loop are looked at together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#startWaiting();
    });
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0 && this.#busy < this.#pool.threads) {
      const batch = this.#takeBatch();
      const { view } = batch[0] as Waiting;
      this.#task(
        view,
        batch.map((waiting) => waiting.query),
      ).then(
        (answers) => {
          for (const [index, waiting] of batch.entries()) waiting.resolve(answers[index] as Answer);
        },
        (error) => {
          for (const waiting of batch) waiting.reject(error);
        },
      );
    }
  }

  /** The first that waits and others of its view: an even share for each free thread, exact scans one at a time. */
  #takeBatch(): Waiting[] {
    const head = this.#waiting[0] as Waiting;
    const fits = (waiting: Waiting) => waiting.view === head.view && !waiting.query.exact;
    const free = this.#pool.threads - this.#busy;
    const share = head.query.exact ? 1 : Math.ceil(this.#waiting.filter(fits).length / free);
    const wanted = Math.min(QUERIES_PER_TASK, share);
    const batch = [head];
    const rest: Waiting[] = [];
    for (const waiting of this.#waiting.slice(1)) {
      if (batch.length < wanted && fits(waiting)) batch.push(waiting);
      else rest.push(waiting);
    }
    this.#waiting = rest;
    return batch;
  }

  async #task(view: SearchView, queries: Query[], part?: QueryPart): Promise<Answer[]> {
    this.#busy++;
    try {
      return await this.#pool.search(view, queries, part);
    } finally {
      this.#busy--;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}
