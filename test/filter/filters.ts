// Arbitrary payloads and filters over few keys and few values, so that they often meet.

import fc from 'fast-check';
import type { Filter, FilterCondition } from '../../src/contract/filter.js';
import type { Payload } from '../../src/contract/payload.js';

export const KEYS = ['a', 'b', 'n.x', 'n.y', 'n', 'list.x'];
export const IDS = 24;

const TEXTS = [
  '',
  '-',
  'red',
  'Red',
  'green',
  'red green',
  'Green light, RED',
  'grey greenish',
  'constructor',
];
const DATES = [
  '2026-01-01T00:00:00Z',
  '2026-01-01T01:00:00+01:00',
  '2026-06-01T12:00:00.5Z',
  '1969-12-31T23:59:59Z',
  '2026-13-01T00:00:00Z',
];
const NUMBERS = [0, -0, 1, 2, 2.5, -3, 5, 1e9, 1e300, 1_767_225_600_000];
const LATS = [-90, -89.99, -10, 0, 10, 52.5, 89.99, 90, 91];
const LONS = [-180, -179.9, -10, 0, 10, 13.4, 179.9, 180];

const text = fc.constantFrom(...TEXTS, ...DATES);
const number = fc.constantFrom(...NUMBERS);
const scalar = fc.oneof(text, number, fc.boolean());
const place = fc.record({ lat: fc.constantFrom(...LATS), lon: fc.constantFrom(...LONS) });
const leaf: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 2, arbitrary: place },
  { weight: 1, arbitrary: fc.constantFrom(null, {}, { lat: 'north', lon: 0 }) },
);
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: leaf },
  { weight: 2, arbitrary: fc.array(leaf, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(fc.oneof(leaf, fc.array(leaf, { maxLength: 2 })), { maxLength: 3 }) },
);
const object = fc.record({ x: value, y: value }, { requiredKeys: [] });

export const payload: fc.Arbitrary<Payload | null> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(
      {
        a: value,
        b: value,
        n: fc.oneof(object, object, fc.array(object, { maxLength: 3 }), leaf),
        list: fc.array(object, { maxLength: 3 }),
        'n.x': value,
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.constant(null) },
);

const bounds = (bound: fc.Arbitrary<string | number>) =>
  fc
    .record({ gt: bound, gte: bound, lt: bound, lte: bound }, { requiredKeys: [] })
    .filter((range) => Object.keys(range).length > 0);
const box = fc
  .tuple(place, place)
  .filter(([one, other]) => Math.abs(one.lat) <= 90 && Math.abs(other.lat) <= 90)
  .map(([one, other]) => ({
    top_left: { lat: Math.max(one.lat, other.lat), lon: one.lon },
    bottom_right: { lat: Math.min(one.lat, other.lat), lon: other.lon },
  }));
const values = fc.array(scalar, { minLength: 1, maxLength: 4 });
const words = fc.constantFrom('red', 'RED', 'gr', 'green', 'red gr', 'light red', '!', 'green red', 'x');

const test: fc.Arbitrary<FilterCondition> = fc.oneof(
  scalar.map((value) => ({ match: { value } })),
  values.map((any) => ({ match: { any } })),
  values.map((except) => ({ match: { except } })),
  words.map((text) => ({ match: { text } })),
  words.map((prefix) => ({ match: { prefix } })),
  bounds(number).map((range) => ({ range })),
  bounds(fc.constantFrom(...DATES.slice(0, -1))).map((range) => ({ range })),
  fc
    .record({
      center: place.filter(({ lat }) => Math.abs(lat) <= 90),
      radius: fc.constantFrom(0.001, 1, 15_000, 1_200_000, 9_000_000, 2e7, 1e9),
    })
    .map((geo_radius) => ({ geo_radius })),
  box.map((geo_box) => ({ geo_box })),
  fc.boolean().map((exists) => ({ exists })),
  fc.boolean().map((is_null) => ({ is_null })),
);

const keyCondition = fc.tuple(fc.constantFrom(...KEYS), test).map(([key, rest]) => ({ key, ...rest }));

const { filter: anyFilter } = fc.letrec<{ filter: Filter; condition: FilterCondition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 8, arbitrary: keyCondition },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.nat(IDS).map(String), { minLength: 1, maxLength: 8 })
        .map((has_id) => ({ has_id })),
    },
    { weight: 2, arbitrary: tie('filter') },
  ),
  filter: groupOf(tie('condition')),
}));
/** Groups hide much of what one condition gets wrong, so every other filter has only one. */
export const filter: fc.Arbitrary<Filter> = fc.oneof(
  anyFilter,
  keyCondition.map((one) => ({ must: [one] })),
);

function groupOf(condition: fc.Arbitrary<FilterCondition>): fc.Arbitrary<Filter> {
  const members = fc.array(condition, { minLength: 1, maxLength: 3 });
  return fc.record(
    {
      must: members,
      should: members,
      must_not: members,
      min_should: fc.record({
        conditions: fc.array(condition, { minLength: 1, maxLength: 5 }),
        min_count: fc.nat(6),
      }),
    },
    { requiredKeys: [] },
  );
}
