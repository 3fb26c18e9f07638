// From rows to the mask of their places in a generation. Runs on the filter thread.

import { type MatchMask, maskOf } from '../index/match-mask.js';
import { RowSlots, type RowSlotsTables } from '../index/row-slots.js';

/** Above this share of the slots it costs less to look at the row of every slot than for the slot of every row. */
const PASS_SHARE = 1 / 32;

export interface GenerationPlaces {
  slots: number;
  rowBase: number;
  /** Of each slot. */
  slotRows: () => Uint32Array;
  rowSlots: RowSlotsTables;
}

/** `rows` ascend, and are below `rowEnd`: later rows are unknown here, and do not match. */
export function maskOfRows(
  key: number,
  rows: Uint32Array,
  rowEnd: number,
  { slots, rowBase, slotRows, rowSlots }: GenerationPlaces,
): MatchMask {
  const indexedCount = lowerBound(rows, rowBase);
  const indexed = rows.subarray(0, indexedCount);
  const isPass = indexedCount > PASS_SHARE * slots;
  const inSlots = isPass
    ? slotsByPass(indexed, rowBase, slotRows())
    : slotsByRow(indexed, new RowSlots(rowSlots));
  const pendingCount = Math.max(0, rowEnd - rowBase);
  const pending = rows.slice(indexedCount).map((row) => row - rowBase);
  return maskOf(key, { slots: inSlots, pending }, { slots, pendingCount });
}

/** The slots of the rows; rows that the generation does not hold have none. */
function slotsByRow(rows: Uint32Array, rowSlots: RowSlots): Uint32Array {
  const found = new Uint32Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const slot = rowSlots.slotOf(rows[i] as number);
    if (slot !== undefined) found[count++] = slot;
  }
  return found.subarray(0, count);
}

/** The same. */
function slotsByPass(rows: Uint32Array, rowBase: number, slotRows: Uint32Array): Uint32Array {
  const isMatch = new Uint8Array(rowBase);
  for (let i = 0; i < rows.length; i++) isMatch[rows[i] as number] = 1;
  const found = new Uint32Array(rows.length);
  let count = 0;
  for (let slot = 0; slot < slotRows.length; slot++)
    if (isMatch[slotRows[slot] as number] === 1) found[count++] = slot;
  return found.subarray(0, count);
}

/** How many of the ascending numbers are below `limit`. */
function lowerBound(numbers: Uint32Array, limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
