// Rows that are in at least so many of a number of sets. Runs on any thread.

import { RowSet } from './row-set.js';

/**
 * The rows that are in `countMin` or more of the sets, which remain the caller's; `countMin` is 1 or more.
 * Each row has a counter in binary digits, and a digit of all rows is one set: the work grows with the sets times the
 * logarithm of their number.
 */
export function inAtLeast(sets: readonly RowSet[], countMin: number): RowSet {
  if (countMin > sets.length) return new RowSet();
  const digits = countersOf(sets);
  const rows = atLeast(digits, countMin);
  for (const digit of digits) digit.dispose();
  return rows;
}

/** Lowest digit first. */
function countersOf(sets: readonly RowSet[]): RowSet[] {
  const digits: RowSet[] = [];
  for (const set of sets) {
    let carry = set.clone();
    for (let place = 0; !carry.isEmpty; place++) {
      digits[place] ??= new RowSet();
      const digit = digits[place] as RowSet;
      const next = digit.clone().and(carry);
      digit.xor(carry);
      carry.dispose();
      carry = next;
    }
    carry.dispose();
  }
  return digits;
}

/** Compares from the highest digit down: `equal` are the rows whose digits so far are those of `countMin`, or more. */
function atLeast(digits: readonly RowSet[], countMin: number): RowSet {
  const more = new RowSet();
  if (countMin >= 2 ** digits.length) return more;
  let equal: RowSet | undefined;
  for (let place = digits.length - 1; place >= 0; place--) {
    const digit = digits[place] as RowSet;
    const both = equal === undefined ? digit.clone() : equal.clone().and(digit);
    if (((countMin >> place) & 1) === 1) {
      equal?.dispose();
      equal = both;
    } else {
      more.or(both);
      both.dispose();
    }
  }
  if (equal !== undefined) more.or(equal);
  equal?.dispose();
  return more;
}
