// Random points and filters that often meet: few keys, few values, the same ones in both.

import fc from 'fast-check';
import type { Filter, FilterCondition, GeoPoint } from '../../src/contract/filter.js';
import type { Payload } from '../../src/contract/payload.js';

const numbers = fc.constantFrom(0, -0, 2.5, -3, 5);
/** `Date.parse` reads them as RFC 3339 does, or refuses them; what it takes beyond that is in the tests of instants. */
const dates = fc.constantFrom(
  '2026-01-01T00:00:00Z',
  '2026-01-01T01:00:00+01:00',
  '2025-12-31T23:30:00.250-00:30',
  '2026-06-15T12:00:00.5Z',
  '1969-12-31T23:59:59Z',
);
const texts = fc.constantFrom(
  'Oak',
  'the old OAK tree',
  'oak-trees, old.',
  'Übergröße oaken',
  'ünder 5 oaks_old',
  '!',
);
const queries = fc.constantFrom(
  'oak',
  'OLD oak',
  'tree, old',
  'o',
  'tre',
  'übergröße',
  '5 OAK',
  '-',
  'old old',
  'ak',
  'oak o',
);
const scalars = fc.oneof(
  { weight: 3, arbitrary: numbers },
  { weight: 2, arbitrary: dates },
  { weight: 3, arbitrary: texts },
  {
    weight: 1,
    arbitrary: fc.constantFrom('5', 'true', '2026-13-01T00:00:00Z'),
  },
  { weight: 1, arbitrary: fc.boolean() },
);
const latitudes = fc.oneof(fc.constantFrom(-90, 90, 0, 52.52), fc.double({ min: -90, max: 90, noNaN: true }));
const longitudes = fc.oneof(
  fc.constantFrom(-180, 180, -170, 170, 0, 13.405),
  fc.double({ min: -180, max: 180, noNaN: true }),
);
const places: fc.Arbitrary<GeoPoint> = fc.record({ lat: latitudes, lon: longitudes });
const noPlaces = fc.constantFrom(
  { lat: 90.5, lon: 0 },
  { lat: 0, lon: -181 },
  { lat: '0', lon: 0 },
  { lat: [0], lon: 0 },
  { lat: 0 },
  { lat: 0, lon: null },
);

// No arrays right inside of arrays: what MongoDB does with those is not what we do.
const leaves = fc.oneof(
  { weight: 8, arbitrary: scalars },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: places },
  { weight: 1, arbitrary: noPlaces },
);
const objectsOf = (member: fc.Arbitrary<unknown>) =>
  fc.record({ a: member, b: member, c: member }, { requiredKeys: [] });
const membersFrom = (element: fc.Arbitrary<unknown>) =>
  fc.oneof(element, { weight: 2, arbitrary: fc.array(element, { maxLength: 8, size: 'max' }) });
const inner = membersFrom(leaves);
const middle = membersFrom(fc.oneof({ weight: 2, arbitrary: leaves }, objectsOf(inner)));
const value = membersFrom(fc.oneof({ weight: 2, arbitrary: leaves }, objectsOf(middle)));

/** Cloned, since objects come with the usual prototype from JSON, and mingo wants one; JSON itself would lose -0. */
export const payloads: fc.Arbitrary<Payload | null> = fc
  .option(
    fc.record(
      { a: value, b: value, place: fc.oneof(places, fc.array(fc.oneof(places, noPlaces, scalars))) },
      { requiredKeys: ['a', 'b'] },
    ),
    {
      freq: 20,
    },
  )
  .map((payload) => structuredClone(payload));
export const ids = fc.constantFrom<(string | number)[]>(0, 5, '5', 'x', 'X');

const keys = fc.constantFrom(
  'a',
  'a',
  'a',
  'b',
  'b',
  'b',
  'place',
  'a.b',
  'b.a',
  'a.b.c',
  'place.lat',
  'z',
  'b.z',
);
const geoKeys = fc.constantFrom('place', 'place', 'place', 'a', 'b.a', 'a.c');
const someScalars = fc.array(scalars, { minLength: 1, maxLength: 8, size: 'max' });

const match = fc.oneof(
  { weight: 2, arbitrary: fc.record({ value: scalars }) },
  fc.record({ any: someScalars }),
  fc.record({ except: someScalars }),
  fc.record({ text: queries }),
  fc.record({ prefix: queries }),
);
const boundsOf = (bound: fc.Arbitrary<number | string>) =>
  fc.oneof(
    fc.oneof(
      fc.record({ gt: bound }),
      fc.record({ gte: bound }),
      fc.record({ lt: bound }),
      fc.record({ lte: bound }),
    ),
    fc.record({ gte: bound, lte: bound }),
    fc
      .record({ gt: bound, gte: bound, lt: bound, lte: bound }, { requiredKeys: [] })
      .filter((range) => Object.keys(range).length > 0),
  );
const range = fc.oneof(boundsOf(numbers), boundsOf(dates));
const geo_radius = fc.record({
  center: places,
  radius: fc.oneof(fc.constantFrom(1000, 1e6, 1e7), fc.double({ min: 2, max: 2.1e7, noNaN: true })),
});
const geo_box = fc.tuple(places, places).map(([one, other]) => ({
  top_left: { lat: Math.max(one.lat, other.lat), lon: one.lon },
  bottom_right: { lat: Math.min(one.lat, other.lat), lon: other.lon },
}));

/** Each kind of test of a key or an id, so that each can be counted. */
export const simpleConditions: fc.Arbitrary<FilterCondition> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ key: keys, match }) },
  { weight: 2, arbitrary: fc.record({ key: keys, range }) },
  fc.record({ key: geoKeys, geo_radius }),
  fc.record({ key: geoKeys, geo_box }),
  fc.record({ key: keys, exists: fc.boolean() }),
  fc.record({ key: keys, is_null: fc.boolean() }),
  fc.record({ has_id: fc.array(ids, { minLength: 1, maxLength: 3 }) }),
) as fc.Arbitrary<FilterCondition>;

const { group } = fc.letrec<{ group: Filter; condition: FilterCondition; conditions: FilterCondition[] }>(
  (tie) => ({
    condition: fc.oneof(
      { maxDepth: 3 },
      { weight: 4, arbitrary: simpleConditions },
      { weight: 1, arbitrary: tie('group').filter((inner) => Object.keys(inner).length > 0) },
    ),
    conditions: fc.array(tie('condition'), { minLength: 1, maxLength: 2, size: 'max' }),
    group: fc.record(
      {
        must: tie('conditions'),
        should: tie('conditions'),
        must_not: tie('conditions'),
        min_should: fc.record({ conditions: tie('conditions'), min_count: fc.integer({ min: 0, max: 4 }) }),
      },
      { requiredKeys: [] },
    ),
  }),
);
export const filters: fc.Arbitrary<Filter> = group;
