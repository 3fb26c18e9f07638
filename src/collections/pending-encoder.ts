// Has the codes of appended rows made by the search pool, a batch at a time: until then a search compares these rows
// with their full vectors. Main thread.

import { rowBytes } from '../contract/stored-vector.js';
import type { Dispatcher } from './dispatcher.js';
import type { Log } from './log.js';
import type { Views } from './views.js';

/** Rows without codes before a pool thread is asked, or more where all of them have fewer bytes: comparing so few exactly costs next to nothing. */
const ROWS_MIN = 256;
const ROW_BYTES_MIN = 128 * 1024;
/** What a task of a few hundred rows takes, roughly: its turn comes after as much of other work. */
const TASK_NS = 2_000_000;

export interface PendingEncoderOptions {
  /** Whose rows these are, to the dispatcher. */
  collection: string;
  views: Views;
  dispatcher: Dispatcher;
  log: Log;
}

export class PendingEncoder {
  readonly #options: PendingEncoderOptions;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: PendingEncoderOptions) {
    this.#options = options;
  }

  /** Rows may have been appended: encodes them in the background where they are many, one task at a time. */
  wake(): void {
    if (this.#stopped || this.#running) return;
    const { view, served } = this.#options.views.current;
    const { generation } = served;
    const uncoded = generation.pendingCount - generation.encodedCount;
    if (uncoded < ROWS_MIN || uncoded * rowBytes(view.vectors) < ROW_BYTES_MIN) return;
    const before = generation.encodedCount;
    this.#running = this.#encode().finally(() => {
      this.#running = undefined;
      if (this.#stopped) return;
      // Without progress (the thread failed) the next insert tries again, not this loop.
      const isSwitched = this.#options.views.current.served.generation !== generation;
      if (isSwitched || generation.encodedCount > before) this.wake();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #encode(): Promise<void> {
    try {
      const { collection, views, dispatcher } = this.#options;
      const errand = { collection, lane: 'encode', costNs: TASK_NS } as const;
      await views.use((live) => dispatcher.encodePending(live.view, errand));
    } catch (error) {
      this.#options.log.warn(
        { error },
        'codes of appended rows could not be made; searches compare the full vectors',
      );
    }
  }
}
