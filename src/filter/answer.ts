// What an index knows about a condition: the rows that meet it, or more. Runs on any thread.

import type { RowSet } from './row-set.js';

export interface Answer {
  /** Every row that meets the condition, and others unless `isExact`. The set is the receiver's to dispose. */
  rows: RowSet;
  isExact: boolean;
}

/** Adds rows of which it is not known whether they meet the condition. `possible` remains the caller's. */
export function widen({ rows, isExact }: Answer, possible: RowSet): Answer {
  const { size } = rows;
  rows.or(possible);
  return { rows, isExact: isExact && rows.size === size };
}
