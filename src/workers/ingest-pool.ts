// The threads that parse large bodies. Main thread.

import type { PointBatch, PointShape } from '../contract/point-batch.js';
import type { PointLines } from '../contract/point-lines.js';
import type { SearchRequest } from '../contract/search.js';
import { QUEUED_MUTATIONS_MAX } from '../limits.js';
import type { IngestTask } from './messages.js';
import { WorkerPool } from './worker-pool.js';

const THREADS_MAX = 2;
const IDLE_TIMEOUT_MS = 30_000;

export class IngestPool {
  readonly #pool: WorkerPool<IngestTask>;

  constructor(onError: (error: unknown) => void) {
    this.#pool = new WorkerPool(
      {
        file: new URL('./ingest-worker.js', import.meta.url),
        threadsMin: 0,
        threadsMax: THREADS_MAX,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        queuedMax: QUEUED_MUTATIONS_MAX,
      },
      onError,
    );
  }

  get queueSize(): number {
    return this.#pool.queueSize;
  }

  /** `{points: [...]}`. @throws what contract/point-batch.ts does, too_many_requests */
  parsePoints(body: Uint8Array, shape: PointShape): Promise<PointBatch> {
    return this.#pool.run({ kind: 'points', body, shape });
  }

  /** A block of whole NDJSON lines, the first of which is line `firstLine` of the stream. */
  parsePointLines(body: Uint8Array, firstLine: number, shape: PointShape): Promise<PointLines> {
    return this.#pool.run({ kind: 'lines', body, firstLine, shape });
  }

  /** `{searches: [...]}`. */
  parseSearches(body: Uint8Array): Promise<SearchRequest[]> {
    return this.#pool.run({ kind: 'searches', body });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
