import { test } from 'tap';
import { parseWith } from '../../src/contract/issues.js';
import { cursorOf, keyOfCursor, scrollRequest } from '../../src/contract/scroll.js';
import { refusalOf } from './bodies.js';

const parse = (body: unknown) => parseWith(scrollRequest, body);

test('a scroll has defaults', async (t) => {
  t.strictSame(parse({}), { limit: 100, with_payload: true, with_vector: false });
});

test('a cursor is base64url of a key, and comes back as the key', async (t) => {
  for (const key of ['5', 'word:tree', 'ä/ö?', '\u{1f333}', '\ufeffmark', 'x'.repeat(256)]) {
    const cursor = cursorOf(key);
    t.match(cursor, /^[\w-]+$/);
    t.equal(keyOfCursor(cursor), key);
    t.equal(parse({ cursor }).cursor, key);
  }
});

test('a cursor that was never given out is refused', async (t) => {
  const bad = ['', '!', 'A', 'NQ==', ' NQ', 'NR', '_-8', cursorOf('x'.repeat(257))];
  for (const cursor of bad) {
    const error = refusalOf(() => parse({ cursor }));
    t.equal(error.code, 'cursor_invalid', cursor);
    t.equal(error.issues[0]?.path, 'cursor');
  }
  t.equal(refusalOf(() => parse({ cursor: 5 })).code, 'validation_failed');
});

test('limits, unknown fields and a filter that is none are refused', async (t) => {
  for (const limit of [0, 1001, 1.5, '10']) {
    t.equal(refusalOf(() => parse({ limit })).code, 'validation_failed');
  }
  t.equal(refusalOf(() => parse({ offset: 5 })).code, 'validation_failed');
  t.equal(refusalOf(() => parse({ filter: { must: [] } })).code, 'validation_failed');
});
