// The payload index of types float and datetime: numbers by row. Runs on any thread.

import type { FilterCondition, Scalar } from '../contract/filter.js';
import { parseInstant } from '../contract/instant.js';
import { type Answer, widen } from './answer.js';
import { CHUNK_ROWS, type Chunk, Column } from './column.js';
import { wantedOf } from './condition-kinds.js';
import { type Interval, intervalOf, isWithin } from './interval.js';
import { KeyIndex } from './key-index.js';
import { RowSet } from './row-set.js';

export type ColumnIndexType = 'float' | 'datetime';

type NumberTest = (number: number) => boolean;

/** Dates are instants, in milliseconds since 1970: several texts may stand for one. */
export class ColumnIndex extends KeyIndex<number> {
  readonly #isDates: boolean;
  readonly #column = new Column();

  constructor(type: ColumnIndexType) {
    super(type === 'datetime' ? 'string' : 'number', type === 'float');
    this.#isDates = type === 'datetime';
  }

  override answer(condition: FilterCondition): Answer {
    const { match, range } = condition;
    if (match?.except !== undefined) return this.#answerExcept(match.except);
    const wanted = match && wantedOf(match);
    if (wanted !== undefined) return this.#answerAny(wanted);
    const interval = range && intervalOf(range);
    if (interval === undefined || interval.isDate !== this.#isDates) return this.answerByKind(condition);
    return { rows: this.#rowsWithin(interval), isExact: true };
  }

  protected override typedOf(value: NonNullable<unknown>): number | undefined {
    if (this.#isDates) return typeof value === 'string' ? parseInstant(value) : undefined;
    return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
  }

  protected override addTyped(row: number, values: readonly number[]): void {
    this.#column.set(row, values);
  }

  protected override removeTyped(row: number): void {
    this.#column.clear(row);
  }

  protected override get typedBytes(): number {
    return this.#column.bytes;
  }

  protected override disposeTyped(): void {
    // The column is garbage with the index.
  }

  #answerAny(wanted: readonly Scalar[]): Answer {
    const numbers = this.#numbersOf(wanted);
    const rows = this.#rowsWith((number) => numbers.has(number), boundsOf(numbers));
    let answer: Answer = { rows, isExact: !this.#isDates || rows.isEmpty };
    if (wanted.some((value) => this.typedOf(value) === undefined)) answer = widen(answer, this.others);
    return answer;
  }

  /** Another instant is another text; the same one may be. */
  #answerExcept(except: readonly Scalar[]): Answer {
    const numbers = this.#numbersOf(except);
    const rows = this.#rowsWith((number) => !numbers.has(number));
    let answer: Answer = { rows, isExact: true };
    if (this.#isDates) answer = widen(answer, this.typed);
    return widen(answer, this.others);
  }

  #numbersOf(values: readonly Scalar[]): Set<number> {
    return new Set(values.map((value) => this.typedOf(value)).filter((number) => number !== undefined));
  }

  #rowsWithin(interval: Interval): RowSet {
    const { low, high } = interval;
    const isWhole = ({ count, min, max }: Chunk) =>
      count === CHUNK_ROWS && isWithin(interval, min) && isWithin(interval, max);
    return this.#rowsWith((number) => isWithin(interval, number), { low, high, isWhole });
  }

  /** Rows with a number that passes; there are none outside of `low` and `high`, and all do in chunks that are whole. */
  #rowsWith(
    test: NumberTest,
    {
      low = Number.NEGATIVE_INFINITY,
      high = Number.POSITIVE_INFINITY,
      isWhole = (_: Chunk): boolean => false,
    } = {},
  ): RowSet {
    const rows = new RowSet();
    const found = new Uint32Array(CHUNK_ROWS);
    for (const chunk of this.#column.chunks()) {
      if (chunk.max < low || chunk.min > high) continue;
      if (isWhole(chunk)) rows.addRange(chunk.start, chunk.start + CHUNK_ROWS);
      else addPassing(chunk, { test, low, high, found, rows });
    }
    return rows;
  }
}

interface Pass {
  test: NumberTest;
  low: number;
  high: number;
  /** Has room for the rows of a chunk. */
  found: Uint32Array;
  rows: RowSet;
}

function addPassing({ start, first, further }: Chunk, { test, low, high, found, rows }: Pass): void {
  let count = 0;
  for (let at = 0; at < CHUNK_ROWS; at++) {
    const number = first[at] as number;
    // The bounds spare most calls, and keep out NaN, which stands for no number.
    if (number >= low && number <= high && test(number)) found[count++] = start + at;
  }
  if (count > 0) rows.addMany(found.subarray(0, count));
  for (const [at, numbers] of further) if (numbers.some(test)) rows.add(start + at);
}

function boundsOf(numbers: ReadonlySet<number>): { low: number; high: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const number of numbers) {
    low = Math.min(low, number);
    high = Math.max(high, number);
  }
  return { low, high };
}
