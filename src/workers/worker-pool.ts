// A Piscina pool with the errors of its workers turned back into ServiceErrors. Main thread.

import type { Transferable as NodeTransferable } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { ServiceError } from '../errors.js';
import type { Reply } from './messages.js';

export interface WorkerPoolOptions {
  /** Compiled module whose default export does a task and returns a `Reply`. */
  file: URL;
  threadsMin: number;
  threadsMax: number;
  /** Threads above the minimum end after so long without work. */
  idleTimeoutMs: number;
  /** Tasks that may wait for a thread. */
  queuedMax: number;
  /** Tasks that a thread has at once, one after the other; default 1. The next one need not be waited for then. */
  tasksPerThread?: number;
  /** Posix niceness of the threads, 0 = as the process. */
  niceIncrement?: number;
}

const ENTRY = new URL('./worker-entry.cjs', import.meta.url);
const CLOSE_TIMEOUT_MS = 10_000;

/** A reply that only the search pool knows how to go on from. */
export class ViewUnknown extends Error {}

/** The same for the filter thread, which has lost what it knew when it was replaced. */
export class CollectionUnknown extends Error {}

export class WorkerPool<Task> {
  readonly #piscina: Piscina<Task, Reply<unknown>>;
  readonly threads: number;

  constructor(options: WorkerPoolOptions, onError: (error: unknown) => void) {
    this.threads = options.threadsMax;
    this.#piscina = new Piscina({
      filename: ENTRY.href,
      workerData: { file: options.file.href },
      minThreads: options.threadsMin,
      maxThreads: options.threadsMax,
      idleTimeout: options.idleTimeoutMs,
      maxQueue: Math.max(1, options.queuedMax),
      concurrentTasksPerWorker: options.tasksPerThread ?? 1,
      closeTimeout: CLOSE_TIMEOUT_MS,
      // Workers listen to broadcasts between tasks, so their event loops must not be blocked by Atomics.wait.
      atomics: 'disabled',
      recordTiming: false,
      ...(options.niceIncrement ? { niceIncrement: options.niceIncrement } : {}),
    });
    // Without a listener a worker that fails to start would take the process down.
    this.#piscina.on('error', onError);
  }

  get queueSize(): number {
    return this.#piscina.queueSize;
  }

  /**
   * Runs a task on a free thread.
   * @throws the worker's ServiceError; too_many_requests when the queue is full; Error when the worker died
   */
  async run<Value>(task: Task, transfer: ArrayBufferLike[] = []): Promise<Value> {
    const reply = await this.#post(task, transfer);
    if (reply.ok) return reply.value as Value;
    if ('viewUnknown' in reply) throw new ViewUnknown();
    if ('collectionUnknown' in reply) throw new CollectionUnknown();
    throw ServiceError.fromData(reply.error);
  }

  async close(): Promise<void> {
    await this.#piscina.destroy();
  }

  async #post(task: Task, transfer: ArrayBufferLike[]): Promise<Reply<unknown>> {
    try {
      return await this.#piscina.run(task, { transferList: transfer as NodeTransferable[] });
    } catch (error) {
      if (error instanceof Error && error.message === 'Task queue is at limit') {
        throw new ServiceError('too_many_requests', { what: 'tasks' });
      }
      throw error;
    }
  }
}
