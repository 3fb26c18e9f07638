// The threads that search. Main thread.

import { BroadcastChannel } from 'node:worker_threads';
import type { Answer, Query, QueryPart } from '../index/query.js';
import { collectWhenIdle } from './collect-when-idle.js';
import type { ReleaseMessage, SearchTask, SearchView } from './messages.js';
import { RELEASE_CHANNEL } from './search-pool-channel.js';
import { ViewUnknown, WorkerPool } from './worker-pool.js';

const WHOLE: QueryPart = { index: 0, count: 1 };
/** One that runs and one that waits for it: the dispatcher sends no more. */
const TASKS_PER_THREAD = 2;
const NO_IDLE_TIMEOUT_MS = 2 ** 31 - 1;
/** The event loop goes first where cores are few: it hands out the searches and writes the answers. */
const NICE_INCREMENT = 5;

type Work = { kind: 'search'; queries: Query[]; part: QueryPart } | { kind: 'encode' };

export class SearchPool {
  readonly #pool: WorkerPool<SearchTask>;
  readonly #releases = new BroadcastChannel(RELEASE_CHANNEL);

  constructor(options: { threads: number }, onError: (error: unknown) => void) {
    this.#releases.unref();
    this.#pool = new WorkerPool(
      {
        file: new URL('./search-worker.js', import.meta.url),
        threadsMin: options.threads,
        threadsMax: options.threads,
        idleTimeoutMs: NO_IDLE_TIMEOUT_MS,
        // Tasks wait here only while a thread is replaced that has died.
        queuedMax: TASKS_PER_THREAD * options.threads,
        tasksPerThread: TASKS_PER_THREAD,
        niceIncrement: NICE_INCREMENT,
      },
      onError,
    );
  }

  get threads(): number {
    return this.#pool.threads;
  }

  get queueSize(): number {
    return this.#pool.queueSize;
  }

  /** One task for all `queries`, in order; with `part`, only that share of each query's scan. @throws too_many_requests */
  search(view: SearchView, queries: Query[], part: QueryPart = WHOLE): Promise<Answer[]> {
    return this.#run(view, { kind: 'search', queries, part });
  }

  /** Makes codes of a few thousand pending rows; returns how many are left. Not twice at once for one view. */
  encodePending(view: SearchView): Promise<number> {
    return this.#run(view, { kind: 'encode' });
  }

  /**
   * The view will not be searched again: workers let go of its files, and of the memory when it was the last view of
   * the generation that is named. So does this thread, once it is idle.
   */
  release(viewKey: string, generationKey?: string): void {
    this.#releases.postMessage({ viewKey, generationKey } satisfies ReleaseMessage);
    void collectWhenIdle();
  }

  async close(): Promise<void> {
    this.#releases.close();
    await this.#pool.close();
  }

  async #run<Value>(view: SearchView, work: Work): Promise<Value> {
    try {
      return await this.#pool.run<Value>({ viewKey: view.key, view: undefined, ...work });
    } catch (error) {
      if (!(error instanceof ViewUnknown)) throw error;
      return await this.#pool.run<Value>({ viewKey: view.key, view, ...work });
    }
  }
}
