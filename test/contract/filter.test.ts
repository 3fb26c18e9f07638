// What a filter may be, and what is said of those that are none.

import t from 'tap';
import { type FilterCondition, filter } from '../../src/contract/filter.js';
import { parseWith } from '../../src/contract/issues.js';
import type { Issue } from '../../src/errors.js';
import { filterPredicate } from '../../src/filter/predicate.js';
import {
  FILTER_CONDITIONS_MAX,
  FILTER_DEPTH_MAX,
  FILTER_IDS_MAX,
  FILTER_KEY_CHARS_MAX,
  FILTER_TEXT_CHARS_MAX,
  FILTER_VALUES_MAX,
  PAYLOAD_BYTES_MAX,
} from '../../src/limits.js';
import { refusalOf } from './bodies.js';

const A: FilterCondition = { key: 'a', exists: true };
const DATE = '2026-11-27T08:00:00Z';

const issuesOf = (value: unknown): Issue[] => refusalOf(() => parseWith(filter, value)).issues;
/** Of a filter with this one condition. */
const issueOf = (condition: unknown) => issuesOf({ must: [condition] })[0];
const isTaken = (value: unknown) => filter.safeParse(value).success;
const nested = (groups: number): unknown =>
  Array.from({ length: groups }).reduce((inner: unknown) => ({ must: [inner] }), A);
const range = (from: number) => (_: unknown, at: number) => from + at;

t.test('each operator is taken as it is', async (t) => {
  const center = { lat: -90, lon: 180 };
  for (const condition of [
    { key: 'a', match: { value: 'x' } },
    { key: 'a', match: { value: false } },
    { key: 'a..b.', match: { value: -0.5 } },
    { key: 'a', match: { any: ['x', 1, true] } },
    { key: 'a', match: { except: [''] } },
    { key: 'a', match: { text: '!' } },
    { key: 'a', match: { prefix: 'x y' } },
    { key: 'a', range: { gt: 1, gte: 1, lt: 0, lte: 0 } },
    { key: 'a', range: { lt: DATE, gte: '2026-11-27t08:00:00.5+01:00' } },
    { key: 'a', geo_radius: { center, radius: 1e-3 } },
    { key: 'a', geo_box: { top_left: center, bottom_right: center } },
    { key: 'a', exists: false },
    { key: 'a', is_null: false },
    { has_id: [0, '0', 'x'] },
    { must_not: [A], min_should: { conditions: [A], min_count: 0 } },
  ]) {
    t.strictSame(parseWith(filter, { must: [condition] }), { must: [condition] });
  }
  t.strictSame(parseWith(filter, {}), {});
});

t.test('a condition is of one kind', async (t) => {
  const kinds = /either `key` with a test, or `has_id`, or a group/;
  for (const condition of [
    {},
    { ...A, has_id: [1] },
    { ...A, must: [A] },
    { has_id: [1], should: [A] },
    { exists: true, has_id: [1] },
    { key: 'a', min_should: { conditions: [A], min_count: 1 } },
  ]) {
    t.match(issueOf(condition), { path: 'must[0]', message: kinds }, JSON.stringify(condition));
  }
  const test = /Give `key` and one of match, range, geo_radius, geo_box, exists, is_null/;
  for (const condition of [
    { key: 'a' },
    { exists: true },
    { ...A, is_null: false },
    { ...A, match: { value: 1 } },
  ]) {
    t.match(issueOf(condition), { path: 'must[0]', message: test }, JSON.stringify(condition));
  }
  const one = /Give one of value, any, except, text, prefix/;
  for (const match of [{}, { value: 1, any: [1] }, { text: 'x', prefix: 'x' }]) {
    t.match(issueOf({ key: 'a', match }), { path: 'must[0].match', message: one });
  }
});

t.test('unknown fields are named, wherever they are', async (t) => {
  for (const [value, path] of [
    [{ musst: [A] }, ''],
    [{ must: [{ ...A, foo: 1 }] }, 'must[0]'],
    [{ must: [{ key: 'a', match: { value: 1, foo: 1 } }] }, 'must[0].match'],
    [{ must: [{ key: 'a', range: { gte: 1, foo: 1 } }] }, 'must[0].range'],
    [
      { must: [{ key: 'a', geo_radius: { center: { lat: 0, lon: 0, foo: 1 }, radius: 1 } }] },
      'must[0].geo_radius.center',
    ],
    [{ min_should: { conditions: [A], min_count: 1, foo: 1 } }, 'min_should'],
  ] as const) {
    t.match(issuesOf(value)[0], { path, message: /Unknown field "(?:foo|musst)"/ });
  }
});

t.test('bounds are numbers or dates, all of one kind', async (t) => {
  const ofRange = (bounds: unknown) => issueOf({ key: 'a', range: bounds });
  t.match(ofRange({}), { path: 'must[0].range', message: /one or more of gt, gte, lt, lte/ });
  t.match(ofRange({ gte: 1, lt: DATE }), {
    path: 'must[0].range',
    message: /All bounds are numbers, or all are dates/,
  });
  for (const gte of [
    '5',
    'yesterday',
    '2026-11-27',
    '2026-02-30T00:00:00Z',
    true,
    null,
    [1],
    Number.NaN,
    1 / 0,
  ]) {
    t.match(ofRange({ gte }), {
      path: 'must[0].range.gte',
      message: /A bound is a number, or a date .*2026-11-27T/,
    });
  }
});

t.test('a value is a scalar', async (t) => {
  const about = new RegExp(
    `A value is a string of at most ${FILTER_TEXT_CHARS_MAX} characters, a number, true or false`,
  );
  for (const value of [null, {}, [1], Number.NaN]) {
    t.match(issueOf({ key: 'a', match: { value } }), { path: 'must[0].match.value', message: about });
    t.match(issueOf({ key: 'a', match: { any: [1, value] } }), {
      path: 'must[0].match.any[1]',
      message: about,
    });
  }
});

t.test('places are on the globe', async (t) => {
  const place = { lat: 1, lon: 1 };
  const radius = (center: unknown, metres: unknown) =>
    issueOf({ key: 'a', geo_radius: { center, radius: metres } });
  t.match(radius({ lat: 90.1, lon: 0 }, 1), { path: 'must[0].geo_radius.center.lat', message: /<=90/ });
  t.match(radius({ lat: 0, lon: -180.1 }, 1), { path: 'must[0].geo_radius.center.lon', message: />=-180/ });
  t.match(radius({ lat: '0', lon: 0 }, 1), {
    path: 'must[0].geo_radius.center.lat',
    message: /expected number/,
  });
  t.match(radius(place, 0), { path: 'must[0].geo_radius.radius', message: />0/ });
  t.match(radius(place, Number.POSITIVE_INFINITY), { path: 'must[0].geo_radius.radius' });
  t.match(radius(place, undefined), { path: 'must[0].geo_radius.radius', message: /expected number/ });
  const box = { top_left: place, bottom_right: { lat: 2, lon: 2 } };
  t.match(issueOf({ key: 'a', geo_box: box }), { path: 'must[0].geo_box', message: /north of/ });
});

t.test('lists are lists, and none is empty', async (t) => {
  for (const part of ['must', 'should', 'must_not']) {
    t.match(issuesOf({ [part]: [] })[0], { path: part, message: />=1/ });
    t.match(issuesOf({ [part]: A })[0], { path: part, message: /expected array/ });
    t.match(issuesOf({ [part]: [null] })[0], { path: `${part}[0]`, message: /expected object/ });
  }
  t.match(issuesOf({ min_should: { conditions: [], min_count: 1 } })[0], {
    path: 'min_should.conditions',
    message: />=1/,
  });
  t.match(issuesOf({ min_should: { conditions: [A] } })[0], {
    path: 'min_should.min_count',
    message: /expected number/,
  });
  for (const min_count of [-1, 0.5]) {
    t.match(issuesOf({ min_should: { conditions: [A], min_count } })[0], { path: 'min_should.min_count' });
  }
  t.match(issueOf({ has_id: [] }), { path: 'must[0].has_id', message: />=1/ });
  t.match(issueOf({ has_id: [1.5] }), { path: 'must[0].has_id[0]', message: /integer id is from 0/ });
  t.match(issueOf({ key: 'a', match: { any: [] } }), { path: 'must[0].match.any', message: />=1/ });
  for (const value of [null, [], 5, 'x', true])
    t.match(issuesOf(value)[0], { path: '', message: /expected object/ });
});

t.test('keys and texts have lengths', async (t) => {
  const key = 'k'.repeat(FILTER_KEY_CHARS_MAX);
  t.ok(isTaken({ must: [{ ...A, key }] }));
  t.match(issueOf({ ...A, key: `${key}k` }), { path: 'must[0].key', message: /<=256 characters/ });
  t.match(issueOf({ ...A, key: '' }), { path: 'must[0].key', message: />=1 characters/ });
  const text = 'x'.repeat(FILTER_TEXT_CHARS_MAX);
  for (const name of ['value', 'text', 'prefix']) {
    t.ok(isTaken({ must: [{ key: 'a', match: { [name]: text } }] }));
    const issue = issueOf({ key: 'a', match: { [name]: `${text}x` } });
    t.match(issue, { path: `must[0].match.${name}`, message: /1024 characters/ });
  }
  t.match(issueOf({ key: 'a', match: { text: '' } }), {
    path: 'must[0].match.text',
    message: />=1 characters/,
  });
});

t.test('a filter has so many conditions, in all of its groups together', async (t) => {
  const many = (count: number) => Array.from({ length: count }, () => A);
  // One is the inner group itself.
  const filterOf = (count: number) => ({
    must: many(50),
    should: many(50),
    must_not: [{ min_should: { conditions: many(count - 101), min_count: 1 } }],
  });
  t.ok(isTaken(filterOf(FILTER_CONDITIONS_MAX)));
  t.match(issuesOf(filterOf(FILTER_CONDITIONS_MAX + 1)), [{ path: '', message: /at most 256 conditions/ }]);
});

t.test('a filter has so many levels of groups, and no depth overflows the stack', async (t) => {
  t.ok(isTaken(nested(FILTER_DEPTH_MAX)));
  for (const depth of [FILTER_DEPTH_MAX + 1, 60, 100_000]) {
    t.match(
      issuesOf(nested(depth)),
      [{ path: '', message: /at most 8 levels of groups/ }],
      `${depth} levels`,
    );
  }
  const other = Array.from({ length: FILTER_DEPTH_MAX }).reduce(
    (inner: unknown) => ({ min_should: { conditions: [inner], min_count: 1 } }),
    { should: [A] },
  );
  t.match(issuesOf(other), [{ message: /at most 8 levels of groups/ }]);
});

t.test('a condition lists so many values, a filter so many values and ids', async (t) => {
  const values = Array.from({ length: FILTER_VALUES_MAX }, range(0));
  const issue = { message: /at most 10000 values and ids/ };
  t.ok(isTaken({ must: [{ key: 'a', match: { any: values } }] }));
  for (const name of ['any', 'except']) {
    const one = issueOf({ key: 'a', match: { [name]: [...values, 1] } });
    t.match(one, { path: `must[0].match.${name}`, message: /<=1000 items/ });
  }
  const ids = Array.from({ length: FILTER_IDS_MAX }, range(0));
  t.ok(isTaken({ must: [{ has_id: ids }] }));
  t.match(issuesOf({ must: [{ has_id: [...ids, 'x'] }] }), [issue]);
  const lists = [
    { key: 'a', match: { any: values } },
    { must_not: [{ key: 'a', match: { except: values } }] },
    { has_id: ids.slice(2 * FILTER_VALUES_MAX) },
  ];
  t.ok(isTaken({ must: lists }));
  t.match(issuesOf({ must: [...lists, { has_id: [1] }] }), [issue]);
});

t.test('a megabyte of bad conditions is refused without a look at each', async (t) => {
  const before = performance.now();
  t.equal(issuesOf({ must: new Array(300_000).fill({}) }).length, 1);
  t.equal(issueOf({ has_id: new Array(300_000).fill({}) })?.path, '');
  t.comment(`refused in ${(performance.now() - before).toFixed(1)} ms`);
});

t.test('what is no filter at all does not trip the count of conditions', async (t) => {
  for (const value of [
    { must: [5, 'x', null, [A], { match: 5, has_id: 'x' }, { match: { any: 'x' } }] },
    { must: { length: 1e9 }, min_should: 5 },
    { min_should: { conditions: { length: 1e9 } } },
  ]) {
    t.ok(issuesOf(value).length > 0);
  }
});

t.test('the worst filters within the limits run over the largest payload', async (t) => {
  const words = 'oak '.repeat(PAYLOAD_BYTES_MAX / 4 - 10);
  const elements = Array.from({ length: PAYLOAD_BYTES_MAX / 2 - 10 }, () => 1);
  const strings = Array.from({ length: PAYLOAD_BYTES_MAX / 4 - 10 }, () => 'x');
  const values = Array.from({ length: Math.floor(FILTER_IDS_MAX / FILTER_CONDITIONS_MAX) }, range(2));
  const cases: [string, FilterCondition, unknown][] = [
    ['values', { key: 'a', match: { any: values } }, elements],
    ['text, one string', { key: 'a', match: { text: 'tree' } }, words],
    ['text, many strings', { key: 'a', match: { prefix: 'tree' } }, strings],
    ['ranges', { key: 'a', range: { gt: 1, lt: 2 } }, elements],
    ['dates', { key: 'a', range: { gt: DATE } }, Array.from({ length: 2900 }, () => '2026-01-01T00:00:00Z')],
    ['is_null', { key: 'a', is_null: true }, elements],
  ];
  for (const [name, condition, a] of cases) {
    const start = performance.now();
    const parsed = parseWith(filter, { should: new Array(FILTER_CONDITIONS_MAX).fill(condition) });
    const predicate = filterPredicate(parsed);
    const compiled = performance.now();
    t.equal(predicate(1, { a }), false);
    const [ms, of] = [performance.now() - compiled, compiled - start].map((time) => time.toFixed(1));
    t.comment(`${name}: compiled in ${of} ms, ran in ${ms} ms`);
  }
});
