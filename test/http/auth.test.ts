import { test } from 'tap';
import { startWithoutEngine } from './service.js';

const KEYS = { API_KEYS: 'reader-key:read,writer-key:write,boss-key' };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
/** With the right key a call reaches the engine, which is not there. */
const PASSED = 'shutting_down';

test('each call needs a key of its scope', async (t) => {
  const { ask } = await startWithoutEngine(t, KEYS);
  const calls = [
    ['GET /v1/collections', 'read'],
    ['GET /v1/collections/c', 'read'],
    ['GET /v1/collections/c/points/1', 'read'],
    ['POST /v1/collections/c/search', 'read'],
    ['POST /v1/collections/c/search/batch', 'read'],
    ['POST /v1/collections/c/recall', 'read'],
    ['POST /v1/collections/c/points/count', 'read'],
    ['POST /v1/collections/c/points/scroll', 'read'],
    ['POST /v1/collections/c/facet', 'read'],
    ['GET /v1/collections/c/payload-indexes', 'read'],
    ['GET /v1/collections/c/build', 'read'],
    ['GET /v1/collections/c/build/events', 'read'],
    ['POST /v1/collections/c/points', 'write'],
    ['DELETE /v1/collections/c/points/1', 'write'],
    ['POST /v1/collections/c/points/delete', 'write'],
    ['POST /v1/collections/c/points/payload', 'write'],
    ['PUT /v1/collections/c/payload-indexes/a', 'write'],
    ['DELETE /v1/collections/c/payload-indexes/a', 'write'],
    ['POST /v1/collections', 'admin'],
    ['DELETE /v1/collections/c', 'admin'],
    ['POST /v1/collections/c/build', 'admin'],
    ['DELETE /v1/collections/c/build', 'admin'],
    ['PUT /v1/collections/c/storage', 'admin'],
  ] as const;
  const bodies: Record<string, object> = {
    'POST /v1/collections': { name: 'c', dimension: 2, metric: 'l2' },
    'POST /v1/collections/c/points/delete': { ids: [1] },
    'POST /v1/collections/c/points/payload': { ids: [1], set: {} },
    'PUT /v1/collections/c/payload-indexes/a': { type: 'keyword' },
    'POST /v1/collections/c/facet': { key: 'a' },
    'PUT /v1/collections/c/storage': { backend: 'mmap' },
  };
  const ranks = ['read', 'write', 'admin'];
  const keys = ['reader-key', 'writer-key', 'boss-key'];
  for (const [call, scope] of calls) {
    for (const [rank, key] of keys.entries()) {
      const { status, body } = await ask(call, bodies[call], bearer(key));
      const allowed = rank >= ranks.indexOf(scope);
      t.equal(body.code, allowed ? PASSED : 'forbidden', `${call} with ${key}`);
      t.equal(status, allowed ? 503 : 403);
    }
  }
});

test('no key, a wrong key and half a key are refused alike', async (t) => {
  const { ask } = await startWithoutEngine(t, KEYS);
  const attempts = [
    {},
    bearer('wrong'),
    bearer('boss-ke'),
    bearer('boss-key:admin'),
    { authorization: 'Basic Ym9zcy1rZXk=' },
    { 'x-api-key': '' },
  ];
  for (const headers of attempts) {
    const reply = await ask('GET /v1/collections', undefined, headers as Record<string, string>);
    t.equal(reply.status, 401);
    t.equal(reply.body.code, 'unauthorized');
    t.match(reply.headers['www-authenticate'], /^Bearer realm=/);
    t.notMatch(reply.text, /boss|reader/);
  }
  t.equal((await ask('GET /v1/collections', undefined, { 'x-api-key': 'reader-key' })).body.code, PASSED);
});

test('health and the document are open, figures need a key', async (t) => {
  const { ask } = await startWithoutEngine(t, KEYS);
  t.equal((await ask('GET /livez')).status, 200);
  t.equal((await ask('GET /readyz')).status, 503);
  t.equal((await ask('GET /docs')).status, 200);
  t.equal((await ask('GET /openapi.json')).status, 200);
  t.equal((await ask('GET /metrics')).status, 401);
  t.equal((await ask('GET /metrics', undefined, bearer('reader-key'))).status, 200);
});
