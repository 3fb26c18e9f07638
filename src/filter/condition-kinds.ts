// Which kinds of values a condition can hold for, and which types of indexes are made for it. Runs on any thread.

import type { FilterCondition, Scalar } from '../contract/filter.js';
import type { PayloadIndexType } from '../contract/payload-index.js';

/** As `typeof` names them. */
export type ValueKind = 'string' | 'number' | 'boolean' | 'object';

const SCALAR_KINDS: ValueKind[] = ['string', 'number', 'boolean'];

/** Of the values that an index of the type takes. */
const KIND_OF_TYPE: Record<PayloadIndexType, ValueKind> = {
  keyword: 'string',
  integer: 'number',
  bool: 'boolean',
  text: 'string',
  float: 'number',
  datetime: 'string',
  geo: 'object',
};

export function kindsOf({ match, range }: FilterCondition): ReadonlySet<ValueKind> {
  if (match?.except !== undefined) return new Set(SCALAR_KINDS);
  if (match !== undefined) {
    const wanted = wantedOf(match);
    return new Set(wanted === undefined ? ['string'] : wanted.map((value) => typeof value as ValueKind));
  }
  if (range === undefined) return new Set(['object']);
  return new Set(Object.values(range).map((bound) => typeof bound as ValueKind));
}

/** The values of which a match wants one; undefined for other kinds of matches. */
export function wantedOf({ value, any }: NonNullable<FilterCondition['match']>): Scalar[] | undefined {
  return any ?? (value === undefined ? undefined : [value]);
}

/** Whether an index of the type is made for such a condition on values: no other type would do better. */
export function serves(type: PayloadIndexType, condition: FilterCondition): boolean {
  const { match, range } = condition;
  const kind = KIND_OF_TYPE[type];
  if (range !== undefined) return kindsOf(condition).has(kind) && type !== 'keyword' && type !== 'text';
  if (match === undefined) return type === 'geo';
  if (match.text !== undefined || match.prefix !== undefined) return type === 'text';
  const listed = match.except ?? wantedOf(match) ?? [];
  return type !== 'text' && type !== 'datetime' && listed.every((value) => typeof value === kind);
}
