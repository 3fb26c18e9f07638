// The bounds of a range, put together into one interval. Runs on any thread.

import type { FilterRange } from '../contract/filter.js';
import { parseInstant } from '../contract/instant.js';

/** Of numbers, or of instants in milliseconds since 1970. */
export interface Interval {
  isDate: boolean;
  low: number;
  high: number;
  /** Without `low` itself. */
  isLowOpen: boolean;
  isHighOpen: boolean;
}

export function intervalOf({ gt, gte, lt, lte }: FilterRange): Interval {
  const over = numberOf(gt) ?? Number.NEGATIVE_INFINITY;
  const from = numberOf(gte) ?? Number.NEGATIVE_INFINITY;
  const under = numberOf(lt) ?? Number.POSITIVE_INFINITY;
  const to = numberOf(lte) ?? Number.POSITIVE_INFINITY;
  return {
    isDate: [gt, gte, lt, lte].some((bound) => typeof bound === 'string'),
    low: Math.max(over, from),
    high: Math.min(under, to),
    isLowOpen: gt !== undefined && over >= from,
    isHighOpen: lt !== undefined && under <= to,
  };
}

/** A bound as the number it is compared as: dates as milliseconds since 1970. */
function numberOf(bound: number | string | undefined): number | undefined {
  return typeof bound === 'string' ? parseInstant(bound) : bound;
}

export function isWithin({ low, high, isLowOpen, isHighOpen }: Interval, number: number): boolean {
  return (isLowOpen ? number > low : number >= low) && (isHighOpen ? number < high : number <= high);
}
