// Counts the values of a key without a payload index, point by point. Runs on any thread.

import type { Scalar } from '../contract/filter.js';
import type { Payload } from '../contract/payload.js';
import { isScalar } from './predicate.js';
import { compareFacets, type FacetValue } from './value-index.js';
import { pathOf, valuesAt } from './values.js';

export class FacetCounter {
  readonly #path: readonly string[];
  readonly #isMeant: (value: Scalar) => boolean;
  readonly #counts = new Map<Scalar, number>();

  /** Values that `isMeant` refuses are not counted. */
  constructor(key: string, isMeant: (value: Scalar) => boolean = () => true) {
    this.#path = pathOf(key);
    this.#isMeant = isMeant;
  }

  /** A point counts once for each distinct value. */
  add(payload: Payload | null): void {
    for (const value of new Set(valuesAt(payload, this.#path).values)) {
      if (isScalar(value) && this.#isMeant(value))
        this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    }
  }

  /** The most frequent first; ties by value. */
  top(limit: number): FacetValue[] {
    const all = [...this.#counts].map(([value, count]) => ({ value, count }));
    return all.sort(compareFacets).slice(0, limit);
  }
}
