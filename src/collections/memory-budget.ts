// The one account of RAM: everything large is claimed here before it is allocated, so that what would not fit is refused
// with the numbers instead of the process being killed. Main thread.

import { setTimeout } from 'node:timers/promises';
import { ServiceError } from '../errors.js';

/** Whoever waits for memory keeps the process alive: the collection it waits for does not. */
const RETURNED_POLL_MS = 20;
/** The main thread and what it keeps after large requests; measured like the others by `npm run bench -- memory`. */
const MAIN_THREAD_BYTES = 112 * 1024 * 1024;
const SEARCH_THREAD_BYTES = 16 * 1024 * 1024;
/** Threads that parse bodies, and the bodies. */
const INGEST_BYTES = 96 * 1024 * 1024;

/** What the process takes without any collection: at most half of what it has, for then its heaps are collected earlier. */
export function allowanceBytes(limitBytes: number, searchThreads: number): number {
  const wanted = MAIN_THREAD_BYTES + searchThreads * SEARCH_THREAD_BYTES + INGEST_BYTES;
  return Math.min(wanted, Math.floor(limitBytes / 2));
}

export class MemoryBudget {
  readonly limitBytes: number;
  #usedBytes: number;
  /** Given back, but not yet collected: it may be claimed again, yet must not be allocated before it is gone. */
  #returningBytes = 0;

  /** `allowanceBytes` is what the process takes without any collection. */
  constructor(limitBytes: number, allowanceBytes: number) {
    this.limitBytes = limitBytes;
    this.#usedBytes = allowanceBytes;
  }

  /** Claimed now, the allowance included. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether `bytes` more could be claimed. */
  fits(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.limitBytes;
  }

  /** @throws memory_full where `bytes` more could not be claimed */
  check(bytes: number): void {
    if (this.fits(bytes)) return;
    const numbers = { needed: bytes, used: this.#usedBytes, limit: this.limitBytes };
    throw new ServiceError('memory_full', numbers);
  }

  /** Takes `bytes` at once, so that no two can have the same; allocate them after `settled`. @throws memory_full */
  claim(bytes = 0): MemoryClaim {
    const claim = new MemoryClaim(this.#account);
    claim.resize(bytes);
    return claim;
  }

  /** Resolves when what is claimed is there: at once, unless memory that goes back has to be waited for. */
  async settled(): Promise<void> {
    while (this.#returningBytes > 0 && !this.fits(this.#returningBytes)) await setTimeout(RETURNED_POLL_MS);
  }

  readonly #account = {
    take: (bytes: number): void => {
      if (bytes > 0) this.check(bytes);
      this.#usedBytes += bytes;
    },
    giveBack: (bytes: number, freed: Promise<unknown>): void => {
      this.#usedBytes -= bytes;
      this.#returningBytes += bytes;
      const returned = () => {
        this.#returningBytes -= bytes;
      };
      freed.then(returned, returned);
    },
  };
}

interface Account {
  take(bytes: number): void;
  giveBack(bytes: number, freed: Promise<unknown>): void;
}

/** What one owner holds of the budget. */
export class MemoryClaim {
  readonly #account: Account;
  #bytes = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Holds `bytes` from now on, more or less than before; what is given up was not allocated. @throws memory_full */
  resize(bytes: number): void {
    this.#account.take(bytes - this.#bytes);
    this.#bytes = bytes;
  }

  /** A claim of its own for `bytes`, taken out of this one as far as this one has them. @throws memory_full */
  split(bytes: number): MemoryClaim {
    const part = new MemoryClaim(this.#account);
    const kept = Math.max(0, this.#bytes - bytes);
    this.#account.take(kept + bytes - this.#bytes);
    this.#bytes = kept;
    part.#bytes = bytes;
    return part;
  }

  /** Gives everything back; it is there again once `freed` resolves. Again: does nothing. */
  release(freed: Promise<unknown> = Promise.resolve()): void {
    const bytes = this.#bytes;
    this.#bytes = 0;
    if (bytes > 0) this.#account.giveBack(bytes, freed);
  }
}
