// Payload indexes over the payloads of rows 0, 1, 2...

import type { FilterCondition } from '../../src/contract/filter.js';
import type { PayloadIndexType } from '../../src/contract/payload-index.js';
import { PayloadIndexes } from '../../src/filter/payload-indexes.js';
import { RowSet } from '../../src/filter/row-set.js';

export interface Asked {
  rows: number[];
  isExact: boolean;
  unindexedKeys: string[];
}

/** Asks an index of one type at the key `k` about values that stand there. */
export function indexed(
  type: PayloadIndexType,
  values: unknown[],
): { indexes: PayloadIndexes; ask: (test: FilterCondition) => Asked } {
  const indexes = new PayloadIndexes();
  indexes.set('k', type);
  for (const [row, value] of values.entries()) indexes.add(row, value === undefined ? {} : { k: value });
  const live = new RowSet().addRange(0, values.length);
  const ask = (test: FilterCondition): Asked => {
    const filter = { must: [{ key: 'k', ...test }] };
    const { rows, ...rest } = indexes.select(filter, live, rowOf, isReady);
    return { rows: [...rows.toUint32Array()], ...rest };
  };
  return { indexes, ask };
}

export function rowOf(): undefined {
  return undefined;
}

export function isReady(): boolean {
  return true;
}

/** An exact selection of these rows. */
export function exactly(...rows: number[]): Asked {
  return { rows, isExact: true, unindexedKeys: [] };
}

/** A selection of these rows of which not all may be meant. */
export function among(rows: number[], ...unindexedKeys: string[]): Asked {
  return { rows, isExact: false, unindexedKeys };
}
