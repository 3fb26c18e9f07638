// Which points a request is about: conditions on payloads and ids. Runs on any thread.
//
// The values at a key: `a.b` goes into objects, and where an array stands on the way or at the end, into each of its
// elements, arrays in arrays included. A condition holds where it holds for one value; what an object holds is reached
// by a longer key only. So a point without the key, or with an empty array there, meets no condition on its values.

import { z } from 'zod';
import {
  FILTER_CONDITIONS_MAX,
  FILTER_DEPTH_MAX,
  FILTER_IDS_MAX,
  FILTER_KEY_CHARS_MAX,
  FILTER_TEXT_CHARS_MAX,
  FILTER_VALUES_MAX,
} from '../limits.js';
import { parseInstant } from './instant.js';
import { pointId } from './points.js';

export const payloadKey = z
  .string()
  .min(1)
  .max(FILTER_KEY_CHARS_MAX)
  .meta({
    description: 'A key of the payload; `a.b` is the key `b` inside of `a`. Arrays stand for their elements.',
    examples: ['author.name'],
  });

export const scalar = z
  .union([z.string().max(FILTER_TEXT_CHARS_MAX), z.number(), z.boolean()], {
    error: `A value is a string of at most ${FILTER_TEXT_CHARS_MAX} characters, a number, true or false`,
  })
  .meta({ id: 'FilterValue' });
export type Scalar = z.output<typeof scalar>;

const scalars = z.array(scalar).min(1).max(FILTER_VALUES_MAX);
const words = z.string().min(1).max(FILTER_TEXT_CHARS_MAX);

const match = z
  .strictObject({
    value: scalar.optional().describe('A value equals this: 5 and "5" differ.'),
    any: scalars.optional().describe('A value is one of these.'),
    except: scalars.optional().describe('A value is none of these; null is no value here.'),
    text: words.optional().describe('A string has all of these words, whole and in any order, case aside.'),
    prefix: words
      .optional()
      .describe('Like `text`, but the last word may be only the beginning of one: for search as one types.'),
  })
  .superRefine((value, context) => onlyOne(value, context))
  .meta({ id: 'FilterMatch', examples: [{ value: 'tree' }, { any: ['tree', 'bush'] }] });

const BOUND_ERROR = 'A bound is a number, or a date as RFC 3339 has it (2026-11-27T08:00:00Z)';
const bound = z
  .union([z.number(), z.string().refine((text) => parseInstant(text) !== undefined, BOUND_ERROR)], {
    error: BOUND_ERROR,
  })
  .meta({ id: 'FilterBound' });

const range = z
  .strictObject({
    gt: bound.optional(),
    gte: bound.optional(),
    lt: bound.optional(),
    lte: bound.optional(),
  })
  .superRefine((value, context) => {
    const kinds = new Set(Object.values(value).map((limit) => typeof limit));
    if (kinds.size === 1) return;
    const message =
      kinds.size === 0 ? 'Give one or more of gt, gte, lt, lte' : 'All bounds are numbers, or all are dates';
    context.addIssue({ code: 'custom', message, input: undefined });
  })
  .describe('One value is within all bounds: numbers, or dates in RFC 3339.')
  .meta({ id: 'FilterRange', examples: [{ gte: 10, lt: 20 }, { gte: '2026-01-01T00:00:00Z' }] });

const geoPoint = z
  .strictObject({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180) })
  .meta({ id: 'GeoPoint', examples: [{ lat: 52.52, lon: 13.405 }] });
export type GeoPoint = z.output<typeof geoPoint>;

const geoRadius = z
  .strictObject({ center: geoPoint, radius: z.number().gt(0).describe('Metres.') })
  .describe('A `{lat, lon}` at the key is no farther from the centre, along the great circle.')
  .meta({ id: 'GeoRadius' });
export type GeoRadius = z.output<typeof geoRadius>;

const geoBox = z
  .strictObject({ top_left: geoPoint, bottom_right: geoPoint })
  .refine(({ top_left, bottom_right }) => top_left.lat >= bottom_right.lat, {
    error: '`top_left` is north of `bottom_right`',
  })
  .describe('A `{lat, lon}` at the key is in the box; one that goes from 170 to -170 crosses the date line.')
  .meta({ id: 'GeoBox' });
export type GeoBox = z.output<typeof geoBox>;

export type FilterMatch = z.output<typeof match>;
export type FilterRange = z.output<typeof range>;

/** Conditions put together: all four parts that are given must hold. */
export interface Filter {
  must?: FilterCondition[] | undefined;
  should?: FilterCondition[] | undefined;
  must_not?: FilterCondition[] | undefined;
  min_should?: { conditions: FilterCondition[]; min_count: number } | undefined;
}

/** A test of the values at `key`, of the id, or a group of conditions; the schema lets only one of them be given. */
export interface FilterCondition extends Filter {
  key?: string | undefined;
  match?: FilterMatch | undefined;
  range?: FilterRange | undefined;
  geo_radius?: GeoRadius | undefined;
  geo_box?: GeoBox | undefined;
  exists?: boolean | undefined;
  is_null?: boolean | undefined;
  has_id?: (string | number)[] | undefined;
}

const conditions = z.array(z.lazy((): z.ZodType<FilterCondition> => filterCondition)).min(1);

const groupFields = {
  must: conditions.optional().describe('All of these hold.'),
  should: conditions.optional().describe('At least one of these holds.'),
  must_not: conditions.optional().describe('None of these holds.'),
  min_should: z
    .strictObject({ conditions, min_count: z.int().min(0) })
    .optional()
    .describe('At least `min_count` of these hold.'),
};

/** The tests of what is at a key. */
const keyFields = {
  match: match.optional(),
  range: range.optional(),
  geo_radius: geoRadius.optional(),
  geo_box: geoBox.optional(),
  exists: z
    .boolean()
    .optional()
    .describe('Whether there is something at the key: a value, null, an object or an empty array.'),
  is_null: z.boolean().optional().describe('Whether null is at the key.'),
};
const KEY_TESTS = Object.keys(keyFields) as (keyof typeof keyFields)[];
const GROUPS = Object.keys(groupFields) as (keyof typeof groupFields)[];

const filterCondition: z.ZodType<FilterCondition> = z
  .strictObject({
    key: payloadKey.optional(),
    ...keyFields,
    has_id: z.array(pointId).min(1).max(FILTER_IDS_MAX).optional().describe('The id is one of these.'),
    ...groupFields,
  })
  .superRefine(checkCondition)
  .describe(
    '`key` with one of `match`, `range`, `geo_radius`, `geo_box`, `exists`, `is_null`; or `has_id`; or a group with ' +
      '`must`, `should`, `must_not`, `min_should`.',
  )
  .meta({ id: 'FilterCondition' });

function checkCondition(condition: FilterCondition, context: z.RefinementCtx): void {
  const tests = KEY_TESTS.filter((test) => condition[test] !== undefined);
  const isGroup = GROUPS.some((group) => condition[group] !== undefined);
  const refuse = (message: string) => context.addIssue({ code: 'custom', message, input: undefined });
  const kinds = [condition.key ?? tests[0], condition.has_id, isGroup || undefined];
  if (kinds.filter((kind) => kind !== undefined).length !== 1) {
    refuse(
      'A condition is either `key` with a test, or `has_id`, or a group (must, should, must_not, min_should)',
    );
  } else if (
    !isGroup &&
    condition.has_id === undefined &&
    (condition.key === undefined || tests.length !== 1)
  ) {
    refuse(`Give \`key\` and one of ${KEY_TESTS.join(', ')}`);
  }
}

/**
 * What a filter may hold, all levels together. Before the schemas see it: they look at every condition and keep a
 * finding for each bad one, seconds and hundreds of megabytes for a megabyte of `{}`, and go down by recursion.
 */
function refuseLarge(filter: unknown, context: z.RefinementCtx): unknown {
  const message = sizeRefusal(filter);
  if (message !== undefined) context.addIssue({ code: 'custom', message, input: undefined });
  return filter;
}

function sizeRefusal(filter: unknown): string | undefined {
  let count = 0;
  let values = 0;
  let level = [filter];
  for (let depth = 1; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const list of level.flatMap(rawMembersOf)) {
      count += list.length;
      if (count > FILTER_CONDITIONS_MAX) return `A filter has at most ${FILTER_CONDITIONS_MAX} conditions`;
      next.push(...list);
    }
    if (next.length > 0 && depth > FILTER_DEPTH_MAX) {
      return `A filter has at most ${FILTER_DEPTH_MAX} levels of groups`;
    }
    values += next.reduce((sum: number, condition) => sum + countValues(condition), 0);
    if (values > FILTER_IDS_MAX) return `A filter lists at most ${FILTER_IDS_MAX} values and ids`;
    level = next;
  }
  return undefined;
}

/** The lists of conditions in what is not known to be a group yet. */
function rawMembersOf(group: unknown): unknown[][] {
  const lists = ['must', 'should', 'must_not'].map((part) => memberOf(group, part));
  return [...lists, memberOf(memberOf(group, 'min_should'), 'conditions')].filter(Array.isArray);
}

function countValues(condition: unknown): number {
  const match = memberOf(condition, 'match');
  const lists = [memberOf(match, 'any'), memberOf(match, 'except'), memberOf(condition, 'has_id')];
  return lists.filter(Array.isArray).reduce((sum, list) => sum + list.length, 0);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** The conditions of a filter or a group, not those inside of them. */
export function membersOf({ must, should, must_not, min_should }: Filter): FilterCondition[] {
  return [...(must ?? []), ...(should ?? []), ...(must_not ?? []), ...(min_should?.conditions ?? [])];
}

const filterObject = z
  .strictObject(groupFields)
  .describe(
    'Which points are meant: those whose payload and id meet the conditions. Keys without a payload index work, but ' +
      'slowly: each payload is read. Without conditions, all points. At most ' +
      `${FILTER_CONDITIONS_MAX} conditions, ${FILTER_DEPTH_MAX} levels of groups, ${FILTER_IDS_MAX} values and ids, and 256 KiB of body.`,
  )
  .meta({
    id: 'Filter',
    examples: [
      {
        must: [
          { key: 'kind', match: { value: 'tree' } },
          { key: 'height', range: { gte: 10 } },
        ],
        must_not: [{ key: 'tags', match: { any: ['draft', 'old'] } }],
      },
    ],
  });

export const filter = z.preprocess(refuseLarge, filterObject);

function onlyOne(value: object, context: z.RefinementCtx): void {
  if (Object.values(value).filter((member) => member !== undefined).length === 1) return;
  const message = `Give one of ${Object.keys(match.shape).join(', ')}`;
  context.addIssue({ code: 'custom', message, input: undefined });
}
