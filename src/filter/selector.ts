// A filter answered from payload indexes: the rows it holds for, or more. Runs on any thread.

import type { Filter, FilterCondition } from '../contract/filter.js';
import type { PayloadIndexType } from '../contract/payload-index.js';
import { idKey, type PointId } from '../contract/points.js';
import type { Answer } from './answer.js';
import { serves } from './condition-kinds.js';
import type { KeyIndex } from './key-index.js';
import { inAtLeast } from './row-counter.js';
import { RowSet } from './row-set.js';

export interface TypedIndex {
  type: PayloadIndexType;
  index: KeyIndex<unknown>;
}

/** Where a selection looks. */
export interface Sources {
  /** All rows there are. */
  live: RowSet;
  rowOf: (idKey: string) => number | undefined;
  /** The index of a key, if it has one that knows all live rows. */
  indexOf: (key: string) => TypedIndex | undefined;
}

/** Answers one filter. Rows that are not live may be among the answer's, as indexes may have some: the caller's to remove. */
export class Selector {
  /** In the order of the filter. */
  readonly unindexedKeys = new Set<string>();
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  answer({ must, should, must_not, min_should }: Filter): Answer {
    const parts = this.#answersOf(must);
    if (should !== undefined) parts.push(this.#answerAtLeast(should, 1));
    if (min_should !== undefined)
      parts.push(this.#answerAtLeast(min_should.conditions, min_should.min_count));
    const answer = this.#intersection(parts);
    for (const refused of this.#answersOf(must_not)) {
      if (refused.isExact) answer.rows.andNot(refused.rows);
      else answer.isExact &&= !answer.rows.intersects(refused.rows);
      refused.rows.dispose();
    }
    // No row is left that the filter may not hold for.
    answer.isExact ||= answer.rows.isEmpty;
    return answer;
  }

  #answersOf(conditions: readonly FilterCondition[] = []): Answer[] {
    return conditions.map((condition) => this.#answerOf(condition));
  }

  #answerOf(condition: FilterCondition): Answer {
    const { key, has_id } = condition;
    if (has_id !== undefined) return { rows: this.#rowsOf(has_id), isExact: true };
    return key === undefined ? this.answer(condition) : this.#answerAt(key, condition);
  }

  #answerAt(key: string, condition: FilterCondition): Answer {
    const { exists, is_null } = condition;
    const found = this.#sources.indexOf(key);
    if (found === undefined) {
      this.unindexedKeys.add(key);
      return { rows: this.#sources.live.clone(), isExact: false };
    }
    const { index, type } = found;
    if (exists !== undefined) return { rows: this.#inOrOutside(index.present, exists), isExact: true };
    if (is_null !== undefined) return { rows: this.#inOrOutside(index.nulls, is_null), isExact: true };
    const answer = index.answer(condition);
    if (!answer.isExact && !serves(type, condition)) this.unindexedKeys.add(key);
    return answer;
  }

  #inOrOutside(rows: RowSet, isIn: boolean): RowSet {
    return isIn ? rows.clone() : this.#sources.live.clone().andNot(rows);
  }

  #rowsOf(ids: readonly PointId[]): RowSet {
    return RowSet.of(
      ids.map((id) => this.#sources.rowOf(idKey(id))).filter((row): row is number => row !== undefined),
    );
  }

  /** Counting supersets makes a superset. */
  #answerAtLeast(conditions: readonly FilterCondition[], countMin: number): Answer {
    const answers = this.#answersOf(conditions);
    const rows =
      countMin === 0
        ? this.#sources.live.clone()
        : inAtLeast(
            answers.map((answer) => answer.rows),
            countMin,
          );
    for (const answer of answers) answer.rows.dispose();
    return { rows, isExact: countMin === 0 || answers.every(({ isExact }) => isExact) };
  }

  /** Takes the parts. Small ones come first: each step costs as much as the smaller side. */
  #intersection(parts: readonly Answer[]): Answer {
    const [first, ...rest] = parts.toSorted((a, b) => a.rows.size - b.rows.size);
    if (first === undefined) return { rows: this.#sources.live.clone(), isExact: true };
    for (const { rows } of rest) {
      first.rows.and(rows);
      rows.dispose();
    }
    return { rows: first.rows, isExact: parts.every(({ isExact }) => isExact) };
  }
}
