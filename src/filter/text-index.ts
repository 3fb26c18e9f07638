// The payload index of type text: rows by the words of their strings. Runs on any thread.

import type { FilterCondition } from '../contract/filter.js';
import { type Answer, widen } from './answer.js';
import { wantedOf } from './condition-kinds.js';
import { KeyIndex } from './key-index.js';
import { Postings } from './postings.js';
import { RowSet } from './row-set.js';
import { wordsOf } from './words.js';

export class TextIndex extends KeyIndex<string> {
  readonly #postings = new Postings<string>();
  /** Rows with several strings: which words stand in one of them together is not known. */
  readonly #multi = new RowSet();

  constructor() {
    super('string', true);
  }

  override answer(condition: FilterCondition): Answer {
    const { match } = condition;
    if (match?.text !== undefined) return this.#answerWords(wordsOf(match.text), undefined);
    if (match?.prefix !== undefined) {
      const words = wordsOf(match.prefix);
      return this.#answerWords(words.slice(0, -1), words.at(-1));
    }
    const wanted = match && wantedOf(match);
    return wanted === undefined ? this.answerByKind(condition) : this.#answerAny(wanted);
  }

  protected override typedOf(value: NonNullable<unknown>): string | undefined {
    return typeof value === 'string' ? value : undefined;
  }

  protected override addTyped(row: number, values: readonly string[]): void {
    for (const word of distinctWords(values)) this.#postings.add(word, row);
    if (values.length > 1) this.#multi.add(row);
  }

  protected override removeTyped(row: number, values: readonly string[]): void {
    for (const word of distinctWords(values)) this.#postings.remove(word, row);
    this.#multi.delete(row);
  }

  protected override get typedBytes(): number {
    return this.#postings.bytes + this.#multi.bytes;
  }

  protected override disposeTyped(): void {
    this.#postings.dispose();
    this.#multi.dispose();
  }

  #answerWords(words: readonly string[], start: string | undefined): Answer {
    const parts = [...new Set(words)].map((word) => this.#postings.unionOf([word]));
    if (start !== undefined) parts.push(this.#postings.unionWhere((word) => word.startsWith(start)));
    const rows = intersection(parts) ?? new RowSet();
    return { rows, isExact: parts.length <= 1 || !rows.intersects(this.#multi) };
  }

  /** Equal strings have the same words; those without any are known only as strings. */
  #answerAny(wanted: readonly unknown[]): Answer {
    let answer: Answer = { rows: new RowSet(), isExact: true };
    for (const value of wanted) {
      if (typeof value !== 'string') {
        answer = widen(answer, this.others);
        continue;
      }
      const rows = intersection([...new Set(wordsOf(value))].map((word) => this.#postings.unionOf([word])));
      answer = widen(answer, rows ?? this.typed);
      rows?.dispose();
    }
    return answer;
  }
}

function distinctWords(texts: readonly string[]): Set<string> {
  return new Set(texts.flatMap(wordsOf));
}

/** Of one set at least. Disposes of all but the one it returns. */
function intersection(parts: readonly RowSet[]): RowSet | undefined {
  const [first, ...rest] = parts.toSorted((a, b) => a.size - b.size);
  for (const part of rest) {
    first?.and(part);
    part.dispose();
  }
  return first;
}
