// Has the codes of appended rows made by the search pool, a batch at a time: until then a search compares these rows
// with their full vectors. Main thread.

import type { SearchPool } from '../workers/search-pool.js';
import type { Log } from './log.js';
import type { Views } from './views.js';

/** Rows without codes before a pool thread is asked: comparing so few exactly costs next to nothing. */
const ROWS_MIN = 256;

export class PendingEncoder {
  readonly #views: Views;
  readonly #pool: SearchPool;
  readonly #log: Log;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(views: Views, pool: SearchPool, log: Log) {
    this.#views = views;
    this.#pool = pool;
    this.#log = log;
  }

  /** Rows may have been appended: encodes them in the background where they are many, one task at a time. */
  wake(): void {
    if (this.#stopped || this.#running) return;
    const { generation } = this.#views.current.served;
    if (generation.pendingCount - generation.encodedCount < ROWS_MIN) return;
    const before = generation.encodedCount;
    this.#running = this.#encode().finally(() => {
      this.#running = undefined;
      if (this.#stopped) return;
      // Without progress (the thread failed) the next insert tries again, not this loop.
      const isSwitched = this.#views.current.served.generation !== generation;
      if (isSwitched || generation.encodedCount > before) this.wake();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #encode(): Promise<void> {
    try {
      await this.#views.use((live) => this.#pool.encodePending(live.view));
    } catch (error) {
      this.#log.warn(
        { error },
        'codes of appended rows could not be made; searches compare the full vectors',
      );
    }
  }
}
