import { test } from 'tap';
import { collectionDescription } from '../../src/contract/collections.js';
import { someVectors, startService } from './service.js';

test('collections are created, listed, described and dropped', async (t) => {
  const { ask } = await startService(t);
  const request = { name: 'words.v1', dimension: 4, metric: 'dot', index: { bits: 4 } };
  const created = await ask('POST /v1/collections', request);
  t.equal(created.status, 201);
  t.equal(created.headers.location, '/v1/collections/words.v1');
  collectionDescription.parse(created.body);
  t.match(created.body, {
    name: 'words.v1',
    storage: { backend: 'mmap', is_using_mmap: true },
    points_count: 0,
    index: { state: 'none', bits: 4 },
  });
  t.equal((await ask('POST /v1/collections', request)).body.code, 'collection_exists');
  t.same((await ask('GET /v1/collections')).body.collections.length, 1);
  t.same((await ask('GET /v1/collections/words.v1')).body.name, 'words.v1');
  const dropped = await ask('DELETE /v1/collections/words.v1');
  t.equal(dropped.status, 204);
  t.equal(dropped.text, '');
  for (const call of ['GET /v1/collections/words.v1', 'DELETE /v1/collections/words.v1'] as const) {
    const { status, body } = await ask(call);
    t.equal(status, 404);
    t.equal(body.code, 'collection_not_found');
  }
});

test('bad names and settings are refused', async (t) => {
  const { ask } = await startService(t);
  for (const name of ['../x', '..', 'a/b', '']) {
    const { status, body } = await ask('POST /v1/collections', { name, dimension: 4, metric: 'l2' });
    t.equal(status, 400);
    t.match(body, { code: 'validation_failed', errors: [{ path: 'name' }] });
  }
  t.equal((await ask('GET /v1/collections/..%2F..%2Fetc')).status, 404);
  t.equal(
    (await ask('POST /v1/collections', { name: 'a', dimension: 4, metric: 'l2', extra: 1 })).status,
    400,
  );
  t.equal((await ask('POST /v1/collections', '{"name":')).body.code, 'malformed_json');
  t.same((await ask('GET /v1/collections')).body, { collections: [] });
});

test('vectors are given back as the precision of the collection keeps them', async (t) => {
  const { ask } = await startService(t);
  const storage = { backend: 'mmap', precision: 'int8' };
  const created = await ask('POST /v1/collections', { name: 'c', dimension: 3, metric: 'dot', storage });
  t.equal(created.status, 201);
  t.match(created.body.storage, { backend: 'mmap', precision: 'int8', vectors_bytes: 0 });
  const points = [{ id: 1, vector: [127, -3.2, 0.4] }];
  t.equal((await ask('POST /v1/collections/c/points', { points })).status, 200);
  t.same((await ask('GET /v1/collections/c/points/1')).body.vector, [127, -3, 0]);
  const found = await ask('POST /v1/collections/c/search', { vector: [0, 1, 0], with_vector: true });
  t.match(found.body.results, [{ id: 1, vector: [127, -3, 0] }]);
  t.ok(Math.abs(found.body.results[0].score + 3) < 1e-3, 'compared with what is kept');
  t.same((await ask('GET /v1/collections/c')).body.storage.vectors_bytes, 12);
  const change = await ask('PUT /v1/collections/c/storage', { backend: 'memory', precision: 'float32' });
  t.equal(change.status, 400, 'the precision stays');
  const unknown = await ask('POST /v1/collections', {
    name: 'd',
    dimension: 3,
    metric: 'l2',
    storage: { precision: 'int4' },
  });
  t.equal(unknown.status, 400);
  t.match(unknown.body, { code: 'validation_failed', errors: [{ path: 'storage' }] });
  t.equal((await ask('GET /v1/collections/d')).status, 404);
});

test('storage is converted once, and searches answer the same', async (t) => {
  const { ask } = await startService(t);
  await ask('POST /v1/collections', { name: 'c', dimension: 8, metric: 'l2' });
  const points = someVectors(500, 8).map((vector, id) => ({ id, vector }));
  await ask('POST /v1/collections/c/points', { points });
  await ask('POST /v1/collections/c/build?wait=true');
  const before = (await ask('POST /v1/collections/c/search', { id: 1 })).body;
  const converted = await ask('PUT /v1/collections/c/storage', { backend: 'memory' });
  t.equal(converted.status, 200);
  t.match(converted.body.storage, { backend: 'memory', is_using_mmap: false });
  t.same((await ask('POST /v1/collections/c/search', { id: 1 })).body, before);
  const again = await ask('PUT /v1/collections/c/storage', { backend: 'memory' });
  t.equal(again.status, 409);
  t.equal(again.body.code, 'storage_unchanged');
  t.equal((await ask('PUT /v1/collections/c/storage', { backend: 'tape' })).status, 400);
});
