// What the searches of one collection run on: the current view, and the older ones that still have searches in flight.
// A view's files and memory are given back only when its last search has ended. Main thread.

import type { ServiceError } from '../errors.js';
import type { VectorsDescriptor } from '../storage/vectors.js';
import type { SearchView } from '../workers/messages.js';
import type { ServedGeneration } from './served-generation.js';

/** A view with the generation it shows. */
export interface LiveView {
  readonly view: SearchView;
  readonly served: ServedGeneration;
}

interface Entry extends LiveView {
  uses: number;
  /** Set once the view is no longer current. */
  ended: (() => void) | undefined;
}

export class Views {
  readonly #name: string;
  readonly #release: (key: string) => void;
  #shown = 0;
  #current: Entry | undefined;
  #closedBy: ServiceError | undefined;
  /** Resolves when all uses of views that are no longer current have ended. */
  #retired: Promise<unknown> = Promise.resolve();

  /** `name` makes the views' keys unique in the process; `release` tells the workers that a view is gone. */
  constructor(name: string, release: (key: string) => void) {
    this.#name = name;
    this.#release = release;
  }

  /** @throws what `close` was given */
  get current(): LiveView {
    return this.#entry();
  }

  /**
   * Searches that start now run on `served` with the appended rows of `vectors`. Resolves when the last use of every
   * view before has ended.
   */
  async show(served: ServedGeneration, vectors: VectorsDescriptor): Promise<void> {
    const { generation } = served;
    const generationKey = `${this.#name}/${served.number}`;
    const view: SearchView = {
      key: `${generationKey}/${++this.#shown}`,
      generationKey,
      memory: generation.memory,
      slots: generation.slots,
      rowBase: generation.rowBase,
      settings: generation.settings,
      vectors,
      leafVectors: served.leafVectors,
    };
    const before = this.#current;
    this.#current = { view, served, uses: 0, ended: undefined };
    if (before) this.#retire(before);
    await this.#retired;
  }

  /** Runs `work` on the current view, which stays usable until it ends. */
  async use<Result>(work: (live: LiveView) => Promise<Result>): Promise<Result> {
    const entry = this.#entry();
    entry.uses++;
    try {
      return await work(entry);
    } finally {
      entry.uses--;
      if (entry.uses === 0) entry.ended?.();
    }
  }

  /** Refuses new uses with `reason`; resolves when the last one has ended. */
  async close(reason: ServiceError): Promise<void> {
    this.#closedBy = reason;
    const last = this.#current;
    this.#current = undefined;
    if (last) this.#retire(last);
    await this.#retired;
  }

  #entry(): Entry {
    if (this.#current) return this.#current;
    throw this.#closedBy ?? new Error(`no view of ${this.#name} was shown yet`);
  }

  #retire(entry: Entry): void {
    const ended = new Promise<void>((resolve) => {
      entry.ended = resolve;
      if (entry.uses === 0) resolve();
    });
    this.#retired = Promise.all([this.#retired, ended.then(() => this.#release(entry.view.key))]);
  }
}
