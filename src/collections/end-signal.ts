// Tells that nobody waits for an answer any more. Main thread.

/** What a search needs of an AbortSignal. */
export interface EndSignal {
  readonly aborted: boolean;
  /** What the search fails with. */
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * One for each request. An AbortSignal would do the same, but outlives its request: it survives the collections of young
 * garbage, which then take milliseconds instead of tenths of one, thirty times a second.
 */
export class RequestEnd implements EndSignal {
  readonly #listeners = new Set<() => void>();
  #reason: unknown;

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Only the first reason counts. */
  abort(reason: Error): void {
    if (this.aborted) return;
    this.#reason = reason;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.aborted) this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
