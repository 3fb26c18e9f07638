// The threads that parse large bodies. Main thread.

import { availableParallelism } from 'node:os';
import type { ArrowBatch, ArrowPoints } from '../contract/arrow-points.js';
import type { PointBatch, PointShape } from '../contract/point-batch.js';
import type { PointLines } from '../contract/point-lines.js';
import type { RecallRequest } from '../contract/recall.js';
import type { SearchRequest } from '../contract/search.js';
import { QUEUED_MUTATIONS_MAX } from '../limits.js';
import type { IngestTask } from './messages.js';
import { WorkerPool } from './worker-pool.js';

/** Parsing leaves at least one core to the event loop and to searches: niceness alone does not keep a core free. */
const THREADS = Math.max(1, Math.min(2, availableParallelism() - 1));
const IDLE_TIMEOUT_MS = 30_000;
/** The event loop goes first where cores are few, then searches. */
const NICE_INCREMENT = 10;

export class IngestPool {
  readonly #pool: WorkerPool<IngestTask>;

  constructor(onError: (error: unknown) => void) {
    this.#pool = new WorkerPool(
      {
        file: new URL('./ingest-worker.js', import.meta.url),
        threadsMin: 0,
        threadsMax: THREADS,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        queuedMax: QUEUED_MUTATIONS_MAX,
        niceIncrement: NICE_INCREMENT,
      },
      onError,
    );
  }

  get queueSize(): number {
    return this.#pool.queueSize;
  }

  /** `{points: [...]}`, in blocks that are the worker's from now on. @throws what contract/point-batch.ts does, too_many_requests */
  parsePoints(blocks: Uint8Array[], shape: PointShape): Promise<PointBatch> {
    return this.#pool.run({ kind: 'points', blocks, shape }, buffersOf(blocks));
  }

  /** A block of whole NDJSON lines, the first of which is line `firstLine` of the stream; it is the worker's from now on. */
  parsePointLines(block: Uint8Array, firstLine: number, shape: PointShape): Promise<PointLines> {
    return this.#pool.run({ kind: 'lines', block, firstLine, shape }, buffersOf([block]));
  }

  /** A record batch, whose body is the worker's from now on. @throws what contract/arrow-points.ts does, too_many_requests */
  parseArrowPoints(arrow: ArrowBatch, shape: PointShape): Promise<ArrowPoints> {
    return this.#pool.run({ kind: 'arrow', arrow, shape }, buffersOf([arrow.records.body]));
  }

  /** `{searches: [...]}`, in blocks that are the worker's from now on. */
  parseSearches(blocks: Uint8Array[]): Promise<SearchRequest[]> {
    return this.#pool.run({ kind: 'searches', blocks }, buffersOf(blocks));
  }

  /** What to measure, in blocks that are the worker's from now on. @throws what contract/recall.ts does, too_many_requests */
  parseRecall(blocks: Uint8Array[]): Promise<RecallRequest> {
    return this.#pool.run({ kind: 'recall', blocks }, buffersOf(blocks));
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/** What changes hands. Each block must have a buffer to itself. */
function buffersOf(blocks: Uint8Array[]): ArrayBufferLike[] {
  return blocks.map((block) => block.buffer);
}
