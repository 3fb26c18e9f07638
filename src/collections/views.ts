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

/** Tells the workers that a view is gone; `generationKey` is set for the last view of a generation. */
export type ReleaseView = (viewKey: string, generationKey: string | undefined) => void;

export class Views {
  readonly #name: string;
  readonly #release: ReleaseView;
  /** Views of each generation that are not released yet. */
  readonly #unreleased = new Map<string, number>();
  #shown = 0;
  #current: Entry | undefined;
  #closedBy: ServiceError | undefined;
  /** Resolves when all uses of views that are no longer current have ended. */
  #retired: Promise<unknown> = Promise.resolve();

  /** `name` makes the views' keys unique in the process. */
  constructor(name: string, release: ReleaseView) {
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
      memories: generation.memories,
      slots: generation.slots,
      rowBase: generation.rowBase,
      settings: generation.settings,
      vectors,
      leafVectors: served.leafVectors,
      slotRows: served.slotRows,
    };
    const before = this.#current;
    this.#unreleased.set(generationKey, (this.#unreleased.get(generationKey) ?? 0) + 1);
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
    this.#retired = Promise.all([this.#retired, ended.then(() => this.#letGo(entry.view))]);
  }

  #letGo({ key, generationKey }: SearchView): void {
    const left = (this.#unreleased.get(generationKey) as number) - 1;
    if (left > 0) this.#unreleased.set(generationKey, left);
    else this.#unreleased.delete(generationKey);
    this.#release(key, left > 0 ? undefined : generationKey);
  }
}
