// A filter as a query of MongoDB over a document made of a point, for the oracle of the filters: mingo runs it.

import type {
  Filter,
  FilterCondition,
  FilterMatch,
  FilterRange,
  GeoBox,
  GeoRadius,
  Scalar,
} from '../../src/contract/filter.js';
import type { Payload } from '../../src/contract/payload.js';
import type { PointId } from '../../src/contract/points.js';

export type Query = Record<string, unknown>;

/** A test of one value: of the field of that name, or of an element of an array, which has no name. */
type Leaf = (field: string | undefined) => Query;

const NEVER: Query = { $nor: [{}] };
/** In an element of an array: mingo takes a scalar for its own field of any name. */
const IS_OBJECT: Query = { $expr: { $eq: [{ $type: '$$ROOT' }, 'object'] } };
const WORD_CHAR = '[\\p{L}\\p{N}\\p{M}]';
const EARTH_RADIUS_M = 6_371_008.8;

/** MongoDB knows dates apart from strings, so there are two copies of the payload; ours are strings that can be either. */
export function documentOf(id: PointId, payload: Payload | null): Query {
  return payload === null
    ? { id: String(id) }
    : { id: String(id), plain: payload, dated: withDates(payload) };
}

function withDates(value: unknown): unknown {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))) {
    return new Date(value);
  }
  if (Array.isArray(value)) return value.map(withDates);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withDates(member)]));
}

export function mongoQuery({ must, should, must_not, min_should }: Filter): Query {
  const parts: Query[] = (must ?? []).map(conditionQuery);
  if (should !== undefined) parts.push(anyOf(...should.map(conditionQuery)));
  if (must_not !== undefined) parts.push({ $nor: must_not.map(conditionQuery) });
  if (min_should !== undefined) {
    parts.push(atLeast(min_should.conditions.map(conditionQuery), min_should.min_count));
  }
  return allOf(...parts);
}

/** MongoDB does not count conditions: one of their combinations holds. */
function atLeast(queries: Query[], count: number): Query {
  if (count <= 0) return {};
  const combinations = combinationsOf(queries, count);
  return combinations.length === 0 ? NEVER : anyOf(...combinations.map((all) => allOf(...all)));
}

function combinationsOf(queries: Query[], count: number): Query[][] {
  if (count === 0) return [[]];
  return queries.flatMap((first, at) =>
    combinationsOf(queries.slice(at + 1), count - 1).map((rest) => [first, ...rest]),
  );
}

function conditionQuery(condition: FilterCondition): Query {
  const { key, match, range, geo_radius, geo_box, exists, is_null, has_id } = condition;
  if (has_id !== undefined) return { id: { $in: has_id.map(String) } };
  if (key === undefined) return mongoQuery(condition);
  if (match !== undefined) return valueQuery('plain', key, matchLeaf(match));
  if (range !== undefined) return valueQuery(isOfDates(range) ? 'dated' : 'plain', key, rangeLeaf(range));
  if (geo_radius !== undefined)
    return valueQuery('plain', key, placeLeaf(radiusQuery.bind(null, geo_radius)));
  if (geo_box !== undefined) return valueQuery('plain', key, placeLeaf(boxQuery.bind(null, geo_box)));
  // {$eq: null} would match missing keys, too.
  const query =
    exists === undefined ? valueQuery('plain', key, operators({ $type: 'null' })) : existsQuery(key);
  return (exists ?? is_null) ? query : { $nor: [query] };
}

/**
 * One value meets all of the leaf: with $elemMatch wherever an array stands, since MongoDB may meet each bound of a
 * range with another element, and asks $type and $nin of the array itself.
 */
function valueQuery(copy: string, key: string, leaf: Leaf): Query {
  const path = [copy, ...key.split('.')];
  return anyWay(path, (field) => anyOf(onObjects(field, leaf(field)), elementQuery(field, leaf(undefined))));
}

/** An empty array is something, so the last step goes into no array. */
function existsQuery(key: string): Query {
  return anyWay(['plain', ...key.split('.')], (field) =>
    allOf(notArrays(prefixesOf(field).slice(0, -1)), { [field]: { $exists: true } }),
  );
}

/**
 * `path` with an array at each of its steps or at none; `last` asks the field that is reached through objects only. The
 * root is no array.
 */
function anyWay(path: string[], last: (field: string) => Query): Query {
  const throughArrays = path.slice(0, -1).flatMap((part, at): Query[] => {
    if (part === 'plain' || part === 'dated') return [];
    const rest = anyWay(path.slice(at + 1), last);
    return [elementQuery(path.slice(0, at + 1).join('.'), { $and: [IS_OBJECT, rest] })];
  });
  return anyOf(last(path.join('.')), ...throughArrays);
}

/** The array at `field` is reached through objects only: a path through an array on the way is asked on its own. */
function elementQuery(field: string, query: Query): Query {
  return allOf(notArrays(prefixesOf(field).slice(0, -1)), { [field]: { $elemMatch: query } });
}

function onObjects(field: string, query: Query): Query {
  return allOf(notArrays(prefixesOf(field)), query);
}

function notArrays(fields: string[]): Query {
  const nested = fields.filter((field) => field !== 'plain' && field !== 'dated');
  return nested.length === 0 ? {} : { $nor: nested.map((field) => ({ [field]: { $type: 'array' } })) };
}

/** mingo copies a query once for each level it is nested in. */
function allOf(...queries: Query[]): Query {
  const asking = queries.filter((query) => Object.keys(query).length > 0);
  return asking.length === 1 ? (asking[0] as Query) : { $and: asking };
}

function anyOf(...queries: Query[]): Query {
  return queries.length === 1 ? (queries[0] as Query) : { $or: queries };
}

function prefixesOf(field: string): string[] {
  const parts = field.split('.');
  return parts.map((_, at) => parts.slice(0, at + 1).join('.'));
}

function operators(query: Query): Leaf {
  return (field) => (field === undefined ? query : { [field]: query });
}

function matchLeaf({ value, any, except, text, prefix }: FilterMatch): Leaf {
  // $nin alone holds for null, objects and missing keys.
  if (except !== undefined) return operators({ $type: ['string', 'number', 'bool'], $nin: except });
  if (text !== undefined) return wordsLeaf(text, WORD_CHAR);
  if (prefix !== undefined) return wordsLeaf(prefix, undefined);
  return operators(any === undefined ? { $eq: value as Scalar } : { $in: any });
}

/** MongoDB's $text is about whole documents: a look ahead for each word. `after` must not follow on the last one. */
function wordsLeaf(text: string, after: string | undefined): Leaf {
  const words = text.split(/[\s,.!_-]+/).filter((word) => word !== '');
  if (words.length === 0) return () => NEVER;
  const lookAheads = words.map((word, at) => {
    const end = at === words.length - 1 ? after : WORD_CHAR;
    return `(?=[^]*(?<!${WORD_CHAR})${word}${end === undefined ? '' : `(?!${end})`})`;
  });
  return operators({ $regex: new RegExp(`^${lookAheads.join('')}`, 'iu') });
}

function isOfDates(range: FilterRange): boolean {
  return Object.values(range).some((bound) => typeof bound === 'string');
}

function rangeLeaf(range: FilterRange): Leaf {
  const bounds = Object.entries(range).map(([name, bound]) => [
    `$${name}`,
    typeof bound === 'string' ? new Date(bound) : bound,
  ]);
  return operators(Object.fromEntries(bounds));
}

function placeLeaf(test: (lat: string, lon: string) => Query): Leaf {
  return (field) => {
    const [lat, lon] = ['lat', 'lon'].map((name) => (field === undefined ? name : `${field}.${name}`)) as [
      string,
      string,
    ];
    const isPlace = [
      ...(field === undefined ? [IS_OBJECT] : []),
      // A latitude in an array is none.
      notArrays([lat, lon]),
      { [lat]: { $type: 'number' } },
      { [lat]: { $gte: -90, $lte: 90 } },
      { [lon]: { $type: 'number' } },
      { [lon]: { $gte: -180, $lte: 180 } },
    ];
    return allOf(...isPlace, test(lat, lon));
  };
}

/** The spherical law of cosines, which loses centimetres near the centre; ours is the haversine formula. */
function radiusQuery({ center, radius }: GeoRadius, lat: string, lon: string): Query {
  const radians = (degrees: unknown) => ({ $degreesToRadians: degrees });
  const [from, to] = [radians(center.lat), radians(`$${lat}`)];
  const cosine = {
    $add: [
      { $multiply: [{ $sin: from }, { $sin: to }] },
      {
        $multiply: [{ $cos: from }, { $cos: to }, { $cos: radians({ $subtract: [`$${lon}`, center.lon] }) }],
      },
    ],
  };
  const angle = { $acos: { $min: [1, { $max: [-1, cosine] }] } };
  return { $expr: { $lte: [{ $multiply: [EARTH_RADIUS_M, angle] }, radius] } };
}

function boxQuery({ top_left, bottom_right }: GeoBox, lat: string, lon: string): Query {
  const [west, east] = [top_left.lon, bottom_right.lon];
  const isInOne = (from: number, to: number): Query => ({ [lon]: { $gte: from, $lte: to } });
  const spans = west <= east ? [isInOne(west, east)] : [isInOne(west, 180), isInOne(-180, east)];
  // 180 and -180 are one meridian.
  if (east === 180 || west === -180 || west > east) spans.push({ [lon]: { $in: [180, -180] } });
  // A box of that meridian alone, by its other name.
  if (west === 180 || east === -180) spans.push({ [lon]: { $in: [180, -180] } });
  return { $and: [{ [lat]: { $gte: bottom_right.lat, $lte: top_left.lat } }, { $or: spans }] };
}
