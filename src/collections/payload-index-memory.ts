// What the payload indexes of one collection hold of the RAM there is. Main thread; the indexes are the filter thread's, which
// says from time to time how large they are.

import type { PayloadIndexType } from '../contract/payload-index.js';
import type { MemoryBudget, MemoryClaim } from './memory-budget.js';

/** Of a point, as the indexes of large test data took them; of strings that hardly repeat, keyword takes the most. */
const POINT_BYTES: Record<PayloadIndexType, number> = {
  keyword: 24,
  integer: 24,
  bool: 8,
  float: 12,
  datetime: 12,
  text: 96,
  geo: 24,
};

/** Both must have room: all RAM, and that of payload indexes, which one thread holds in one WebAssembly memory and one heap. */
export interface IndexMemoryBudgets {
  memory: MemoryBudget;
  indexMemory: MemoryBudget;
}

export class PayloadIndexMemory {
  readonly #budgets: IndexMemoryBudgets;
  readonly #claims: MemoryClaim[];

  constructor(budgets: IndexMemoryBudgets) {
    this.#budgets = budgets;
    this.#claims = [budgets.memory.claim(), budgets.indexMemory.claim()];
  }

  get bytes(): number {
    return this.#claims[0]?.bytes ?? 0;
  }

  /** @throws memory_full where an index of so many points would not fit */
  check(type: PayloadIndexType, points: number): void {
    const bytes = points * POINT_BYTES[type];
    this.#budgets.memory.check(bytes);
    this.#budgets.indexMemory.check(bytes);
  }

  /** The indexes are so large now. False where that is more than there is room for: the claims stay as they were. */
  measured(bytes: number): boolean {
    const more = bytes - this.bytes;
    if (!this.#budgets.memory.fits(more) || !this.#budgets.indexMemory.fits(more)) return false;
    for (const claim of this.#claims) claim.resize(bytes);
    return true;
  }

  release(): void {
    for (const claim of this.#claims) claim.release();
  }
}
