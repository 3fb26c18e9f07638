// What every payload index knows of its key: in which rows something stands there, and of which kind. Runs on any thread.

import type { FilterCondition } from '../contract/filter.js';
import { type Answer, widen } from './answer.js';
import { kindsOf, type ValueKind } from './condition-kinds.js';
import { RowSet } from './row-set.js';
import type { Found } from './values.js';

/** `T` is a value of the index's type. */
export abstract class KeyIndex<T> {
  /** Rows with anything at the key. */
  readonly present = new RowSet();
  /** Rows with a null. */
  readonly nulls = new RowSet();
  /** Rows with a value of the index's type. */
  protected readonly typed = new RowSet();
  /** Rows with other values, objects included, but for null. */
  protected readonly others = new RowSet();
  readonly #kind: ValueKind;
  readonly #isWhole: boolean;

  /** `isWhole`: every value of this kind is one of the type, so `others` has none of them. */
  constructor(kind: ValueKind, isWhole: boolean) {
    this.#kind = kind;
    this.#isWhole = isWhole;
  }

  /** Rows that meet a condition with a test of values: match, range, geo_radius or geo_box. */
  abstract answer(condition: FilterCondition): Answer;

  /** The value as one of the type; undefined where it is none. */
  protected abstract typedOf(value: NonNullable<unknown>): T | undefined;

  /** Takes the row's distinct values, one or more. Idempotent. */
  protected abstract addTyped(row: number, values: readonly T[]): void;

  /** The row may be none of the index. */
  protected abstract removeTyped(row: number, values: readonly T[]): void;

  protected abstract get typedBytes(): number;

  protected abstract disposeTyped(): void;

  /** Idempotent; a row with other values is removed first. */
  add(row: number, found: Found): void {
    if (!found.isPresent) return;
    this.present.add(row);
    const { typed, hasNull, hasOthers } = this.#partsOf(found.values);
    if (hasNull) this.nulls.add(row);
    if (hasOthers) this.others.add(row);
    if (typed.length === 0) return;
    this.typed.add(row);
    this.addTyped(row, typed);
  }

  /** `found` is what the row was added with; one that was not added may be removed, too. */
  remove(row: number, found: Found): void {
    if (!found.isPresent) return;
    for (const rows of this.#rowSets) rows.delete(row);
    const { typed } = this.#partsOf(found.values);
    if (typed.length > 0) this.removeTyped(row, typed);
  }

  /** Which of the rows have values that are not of the index's type; the caller's to dispose. */
  othersAmong(rows: RowSet): RowSet {
    return this.others.clone().and(rows);
  }

  /** Whether the value is one that the index knows. */
  isTyped(value: NonNullable<unknown>): boolean {
    return this.typedOf(value) !== undefined;
  }

  /** RAM it holds, estimated. */
  get bytes(): number {
    return this.#rowSets.reduce((sum, { bytes }) => sum + bytes, this.typedBytes);
  }

  dispose(): void {
    for (const rows of this.#rowSets) rows.dispose();
    this.disposeTyped();
  }

  /** All rows whose values are of a kind for which the condition can hold. */
  protected answerByKind(condition: FilterCondition): Answer {
    const kinds = kindsOf(condition);
    let answer: Answer = { rows: new RowSet(), isExact: true };
    if (kinds.has(this.#kind)) answer = widen(answer, this.typed);
    const isForOthers = [...kinds].some((kind) => kind !== this.#kind || !this.#isWhole);
    return isForOthers ? widen(answer, this.others) : answer;
  }

  get #rowSets(): RowSet[] {
    return [this.present, this.nulls, this.typed, this.others];
  }

  #partsOf(values: readonly unknown[]): { typed: T[]; hasNull: boolean; hasOthers: boolean } {
    const typed: T[] = [];
    let hasNull = false;
    let hasOthers = false;
    for (const value of values) {
      const own = value === null || value === undefined ? undefined : this.typedOf(value);
      if (own !== undefined) typed.push(own);
      else if (value === null) hasNull = true;
      else hasOthers = true;
    }
    return { typed: typed.length > 1 ? [...new Set(typed)] : typed, hasNull, hasOthers };
  }
}
