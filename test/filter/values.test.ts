import t from 'tap';
import type { Payload } from '../../src/contract/payload.js';
import { pathOf, someValueAt, valuesAt } from '../../src/filter/values.js';

/** Both walks find the same. */
function at(key: string, payload: Payload | null) {
  const found = valuesAt(payload, pathOf(key));
  const seen: unknown[] = [];
  const isOne = someValueAt(payload, pathOf(key), (value) => seen.push(value) < 0);
  t.strictSame([seen, isOne], [found.values, false], `${key}: both walks`);
  return found;
}
const NOTHING = { values: [], isPresent: false };

t.test('a key goes into objects, and through arrays at any level', async (t) => {
  const payload = { a: [{ b: 1 }, [[{ b: [2, [3]] }], { b: null }], 'x', null, { c: 4 }] };
  t.strictSame(at('a.b', payload), { values: [1, 2, 3, null], isPresent: true });
  t.strictSame(at('a.c', payload).values, [4]);
  t.strictSame(at('a', { a: { b: 1 } }).values, [{ b: 1 }]);
  t.strictSame(at('a.b', { a: [[], [{ b: [] }]] }), { values: [], isPresent: true });
  t.strictSame(at('a.b.c', { a: { b: 5 } }), NOTHING);
  t.strictSame(at('a', null), NOTHING);
});

t.test('only own keys of plain objects are keys', async (t) => {
  const payload = { a: { s: 'text', list: [1, 2], o: {} } };
  for (const key of [
    'constructor',
    'toString',
    'hasOwnProperty',
    '__proto__',
    'constructor.name',
    '__proto__.toString',
    'a.__proto__.constructor',
    'a.s.length',
    'a.s.0',
    'a.s.constructor',
    'a.list.length',
    'a.list.0',
    'a.list.at',
    'a.o.valueOf',
  ]) {
    t.strictSame(at(key, payload), NOTHING, key);
  }
});

t.test('keys that look like those of a prototype are found where the payload has them', async (t) => {
  const payload = JSON.parse(
    '{"__proto__":{"x":1},"constructor":2,"a":{"length":3,"toString":4,"hasOwnProperty":5,"0":6}}',
  ) as Payload;
  t.strictSame(at('__proto__.x', payload).values, [1]);
  t.strictSame(at('constructor', payload).values, [2]);
  t.strictSame(at('a.length', payload).values, [3]);
  t.strictSame(at('a.toString', payload).values, [4]);
  t.strictSame(at('a.hasOwnProperty', payload).values, [5]);
  t.strictSame(at('a.0', payload).values, [6]);
});

t.test('an empty part is the empty key, and a key with a dot is out of reach', async (t) => {
  t.strictSame(at('a..b', { a: { '': { b: 1 } } }).values, [1]);
  t.strictSame(at('a..b', { a: { b: 1 } }), NOTHING);
  t.strictSame(at('.', { '': { '': 1 } }).values, [1]);
  t.strictSame(at('.', { '.': 1 }), NOTHING);
  t.strictSame(at('a.', { a: { '': 1 } }).values, [1]);
  t.strictSame(at('a.', { a: 1 }), NOTHING);
  t.strictSame(at('a.b', { 'a.b': 1 }), NOTHING);
});

t.test('the walk stops at the first value that will do', async (t) => {
  const seen: unknown[] = [];
  const isOne = someValueAt(
    { a: [[1], { b: 2 }, 3, 4] },
    ['a'],
    (value) => seen.push(value) > 0 && value === 3,
  );
  t.ok(isOne);
  t.strictSame(seen, [1, { b: 2 }, 3]);
});
