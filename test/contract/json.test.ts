import t from 'tap';
import { parseJson } from '../../src/contract/json.js';
import { JSON_DEPTH_MAX } from '../../src/limits.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

t.test('a body is refused by its depth before it is parsed, however long it is', async (t) => {
  t.same(parseJson(bytesOf(nested(JSON_DEPTH_MAX))), JSON.parse(nested(JSON_DEPTH_MAX)));
  for (const depth of [JSON_DEPTH_MAX + 1, 3_000_000]) {
    t.throws(() => parseJson(bytesOf(nested(depth))), {
      code: 'malformed_json',
      message: /nested more than 64 deep/,
    });
  }
  t.throws(() => parseJson(bytesOf('{"a":'.repeat(100))), { message: /nested more than/ });
});

t.test('brackets count where they nest: not one after another, and not in strings', async (t) => {
  for (const value of [
    Array.from({ length: 500 }, (_, i) => [{ i }]),
    '['.repeat(500),
    { a: '"['.repeat(100), b: `\\${'{"'.repeat(100)}\\` },
    ['\\', `\\"${'['.repeat(200)}`, ''],
  ]) {
    t.same(parseJson(bytesOf(JSON.stringify(value))), value);
  }
  for (const cut of ['"', '"\\"', '["a\\\\', '{"a":"[[[']) {
    t.throws(() => parseJson(bytesOf(cut)), { code: 'malformed_json' });
  }
});
