// The payload index of types keyword, integer and bool: rows by value. Runs on any thread.

import type { FilterCondition, Scalar } from '../contract/filter.js';
import { type Answer, widen } from './answer.js';
import { wantedOf } from './condition-kinds.js';
import { intervalOf, isWithin } from './interval.js';
import { KeyIndex } from './key-index.js';
import { Postings } from './postings.js';
import { RowSet } from './row-set.js';

export type ValueIndexType = 'keyword' | 'integer' | 'bool';

export interface FacetValue {
  value: Scalar;
  /** Rows that have the value. */
  count: number;
}

const IS_OF_TYPE: Record<ValueIndexType, (value: unknown) => boolean> = {
  keyword: (value) => typeof value === 'string',
  integer: Number.isInteger,
  bool: (value) => typeof value === 'boolean',
};
const KINDS = { keyword: 'string', integer: 'number', bool: 'boolean' } as const;

/** Facets are thinned out while they are gathered, at the earliest when there are so many. */
const GATHERED_FACETS_MIN = 4096;

export class ValueIndex extends KeyIndex<Scalar> {
  readonly #type: ValueIndexType;
  readonly #postings = new Postings<Scalar>();
  /** Rows with several distinct values of the type. */
  readonly #multi = new RowSet();

  constructor(type: ValueIndexType) {
    super(KINDS[type], type !== 'integer');
    this.#type = type;
  }

  override answer(condition: FilterCondition): Answer {
    const { match, range } = condition;
    if (match?.except !== undefined) return this.#answerExcept(match.except);
    const wanted = match && wantedOf(match);
    if (wanted !== undefined) return this.#answerAny(wanted);
    const interval = range && intervalOf(range);
    if (this.#type !== 'integer' || interval === undefined || interval.isDate) {
      return this.answerByKind(condition);
    }
    const rows = this.#postings.unionWhere((value) => isWithin(interval, value as number));
    return widen({ rows, isExact: true }, this.others);
  }

  /** The most frequent values, ties in their own order; with `among`, of these rows only. */
  facets(among: RowSet | undefined, limit: number): FacetValue[] {
    const gatheredMax = Math.max(2 * limit, GATHERED_FACETS_MIN);
    let facets: FacetValue[] = [];
    let last: FacetValue | undefined;
    this.#postings.forEachCount(among, (value, count) => {
      const facet = { value, count };
      if (count === 0 || (last !== undefined && compareFacets(last, facet) < 0)) return;
      facets.push(facet);
      if (facets.length < gatheredMax) return;
      facets = facets.sort(compareFacets).slice(0, limit);
      last = facets.at(-1);
    });
    return facets.sort(compareFacets).slice(0, limit);
  }

  protected override typedOf(value: NonNullable<unknown>): Scalar | undefined {
    return IS_OF_TYPE[this.#type](value) ? (value as Scalar) : undefined;
  }

  protected override addTyped(row: number, values: readonly Scalar[]): void {
    for (const value of values) this.#postings.add(value, row);
    if (values.length > 1) this.#multi.add(row);
  }

  protected override removeTyped(row: number, values: readonly Scalar[]): void {
    for (const value of values) this.#postings.remove(value, row);
    this.#multi.delete(row);
  }

  protected override get typedBytes(): number {
    return this.#postings.bytes + this.#multi.bytes;
  }

  protected override disposeTyped(): void {
    this.#postings.dispose();
    this.#multi.dispose();
  }

  #answerAny(wanted: readonly Scalar[]): Answer {
    const answer: Answer = { rows: this.#postings.unionOf(new Set(wanted)), isExact: true };
    return wanted.every(IS_OF_TYPE[this.#type]) ? answer : widen(answer, this.others);
  }

  /** A row with several values may have one besides those that are listed: surely if only one of them is. */
  #answerExcept(except: readonly Scalar[]): Answer {
    const listed = [...new Set(except)].filter((value) => this.#postings.has(value));
    const refused = this.#postings.unionOf(listed);
    const rows = this.typed.clone().andNot(refused);
    const unclear = refused.and(this.#multi);
    let answer: Answer = { rows, isExact: true };
    if (listed.length > 1) answer = widen(answer, unclear);
    else rows.or(unclear);
    unclear.dispose();
    return widen(answer, this.others);
  }
}

/** Values of several types, as only a key without an index shows them, are ordered by type first. */
export function compareFacets(a: FacetValue, b: FacetValue): number {
  if (a.count !== b.count) return b.count - a.count;
  if (typeof a.value !== typeof b.value) return typeof a.value < typeof b.value ? -1 : 1;
  return a.value < b.value ? -1 : 1;
}
