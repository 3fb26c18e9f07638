// A filter as a function of a point. This is what a filter means; payload indexes only find faster what it holds for.
// Runs on any thread.

import type { Filter, FilterCondition, FilterMatch, FilterRange, Scalar } from '../contract/filter.js';
import { parseInstant } from '../contract/instant.js';
import type { Payload } from '../contract/payload.js';
import { idKey, type PointId } from '../contract/points.js';
import { isInBox, isInRadius, placeOf } from './geo.js';
import { intervalOf, isWithin } from './interval.js';
import { pathOf, someValueAt, valuesAt } from './values.js';
import { wordsOf } from './words.js';

export type Predicate = (id: PointId, payload: Payload | null) => boolean;
type ValueTest = (value: unknown) => boolean;

export function filterPredicate({ must, should, must_not, min_should }: Filter): Predicate {
  const all = (must ?? []).map(conditionPredicate);
  const none = (must_not ?? []).map(conditionPredicate);
  const any = should?.map(conditionPredicate);
  const some = min_should?.conditions.map(conditionPredicate);
  return (id, payload) => {
    const holds = (predicate: Predicate): boolean => predicate(id, payload);
    if (!all.every(holds) || none.some(holds)) return false;
    if (any !== undefined && !any.some(holds)) return false;
    return some === undefined || some.filter(holds).length >= (min_should?.min_count ?? 0);
  };
}

function conditionPredicate(condition: FilterCondition): Predicate {
  const { key, has_id, exists, is_null } = condition;
  if (has_id !== undefined) {
    const keys = new Set(has_id.map(idKey));
    return (id) => keys.has(idKey(id));
  }
  if (key === undefined) return filterPredicate(condition);
  const path = pathOf(key);
  if (exists !== undefined) return (_, payload) => valuesAt(payload, path).isPresent === exists;
  if (is_null !== undefined) return (_, payload) => someValueAt(payload, path, isNull) === is_null;
  const test = valueTest(condition);
  return (_, payload) => someValueAt(payload, path, test);
}

function valueTest({ match, range, geo_radius, geo_box }: FilterCondition): ValueTest {
  if (match !== undefined) return matchTest(match);
  if (range !== undefined) return rangeTest(range);
  const isIn =
    geo_radius !== undefined ? isInRadius.bind(null, geo_radius) : isInBox.bind(null, geo_box as never);
  return (value) => {
    const place = placeOf(value);
    return place !== undefined && isIn(place);
  };
}

function matchTest({ value, any, except, text, prefix }: FilterMatch): ValueTest {
  if (text !== undefined) return textTest(wordsOf(text), undefined);
  if (prefix !== undefined) {
    const words = wordsOf(prefix);
    return textTest(words.slice(0, -1), words.at(-1));
  }
  if (except !== undefined) {
    const refused = new Set<unknown>(except);
    return (found) => isScalar(found) && !refused.has(found);
  }
  const wanted = new Set<unknown>(any ?? [value]);
  return (found) => wanted.has(found);
}

/** A text without words is in no string. */
function textTest(words: string[], start: string | undefined): ValueTest {
  if (words.length === 0 && start === undefined) return () => false;
  return (value) => {
    if (typeof value !== 'string') return false;
    const held = new Set(wordsOf(value));
    if (!words.every((word) => held.has(word))) return false;
    return start === undefined || [...held].some((word) => word.startsWith(start));
  };
}

function rangeTest(range: FilterRange): ValueTest {
  const interval = intervalOf(range);
  if (!interval.isDate) return (value) => typeof value === 'number' && isWithin(interval, value);
  return (value) => {
    const instant = typeof value === 'string' ? parseInstant(value) : undefined;
    return instant !== undefined && isWithin(interval, instant);
  };
}

function isNull(value: unknown): boolean {
  return value === null;
}

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
