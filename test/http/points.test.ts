import { Readable } from 'node:stream';
import { type Test, test } from 'tap';
import { type Service, someVectors, startService } from './service.js';

const NDJSON = { 'content-type': 'application/x-ndjson' };

async function withCollection(t: Test, metric = 'cosine'): Promise<Service> {
  const service = await startService(t);
  const { status } = await service.ask('POST /v1/collections', { name: 'c', dimension: 3, metric });
  t.equal(status, 201);
  return service;
}

const count = async (service: Service) =>
  (await service.ask('POST /v1/collections/c/points/count', {})).body.count;

test('points are inserted, read, replaced, counted and deleted', async (t) => {
  const service = await withCollection(t);
  const { ask } = service;
  const points = [
    { id: 'a/b ü', vector: [1, 0.12, 0], payload: { word: 'tree' } },
    { id: 5, vector: [0, 1, 0] },
  ];
  t.same((await ask('POST /v1/collections/c/points', { points })).body, { upserted: 2, sequence: 1 });
  t.equal(await count(service), 2);
  const address = `/v1/collections/c/points/${encodeURIComponent('a/b ü')}` as const;
  t.same((await ask(`GET ${address}`)).body, {
    id: 'a/b ü',
    vector: [1, 0.12, 0],
    payload: { word: 'tree' },
  });
  const coded = (await ask(`GET ${address}?encoding=base64`)).body.vector;
  t.equal(coded, Buffer.from(Float32Array.of(1, 0.12, 0).buffer).toString('base64'));
  t.same((await ask('GET /v1/collections/c/points/5')).body, { id: 5, vector: [0, 1, 0] });
  const again = await ask('POST /v1/collections/c/points', { points: [{ id: '5', vector: [0, 0, 1] }] });
  t.same(again.body, { upserted: 1, sequence: 2 });
  t.same(
    (await ask('GET /v1/collections/c/points/5')).body,
    { id: '5', vector: [0, 0, 1] },
    'as it was last given',
  );
  t.same((await ask(`DELETE ${address}`)).body, { deleted: 1, sequence: 3 });
  t.equal((await ask(`DELETE ${address}`)).body.code, 'point_not_found');
  t.equal((await ask('POST /v1/collections/c/points/delete', { ids: [5, '5', 'nobody'] })).body.deleted, 1);
  t.equal(await count(service), 0);
});

test('bad points are refused with their code, and nothing is stored', async (t) => {
  const service = await withCollection(t);
  const good = { id: 'good', vector: [1, 2, 3] };
  const cases: [unknown, number, string][] = [
    [{ id: 1, vector: [1, 2] }, 422, 'dimension_mismatch'],
    [{ id: 1, vector: 'AADAfwAAgD8AAIA/' }, 422, 'vector_not_finite'],
    [{ id: 1, vector: [1e300, 1, 1] }, 422, 'vector_not_finite'],
    [{ id: 1, vector: '????????????????' }, 400, 'validation_failed'],
    [{ id: 1, vector: [0, 0, 0] }, 422, 'zero_vector'],
    [{ id: 1, vector: [1e15, 1e15, 1] }, 422, 'vector_out_of_range'],
    [{ id: 1, vector: [1e-16, 0, 0] }, 422, 'vector_out_of_range'],
    [{ id: 1, vector: [1, 2, 3], extra: true }, 400, 'validation_failed'],
    [{ id: 2 ** 53, vector: [1, 2, 3] }, 400, 'validation_failed'],
    [{ id: 'good', vector: [1, 2, 3] }, 422, 'duplicate_id'],
  ];
  for (const [bad, status, code] of cases) {
    const reply = await service.ask('POST /v1/collections/c/points', { points: [good, bad] });
    t.equal(reply.status, status, code);
    t.equal(reply.body.code, code);
    t.match(reply.body.errors[0].path, /^points\[1\]/);
  }
  t.equal((await service.ask('POST /v1/collections/c/points', '{"points":[')).body.code, 'malformed_json');
  t.equal((await service.ask('POST /v1/collections/c/points', '')).body.code, 'malformed_json');
  t.equal(
    (await service.ask('POST /v1/collections/nobody/points', { points: [good] })).body.code,
    'collection_not_found',
  );
  t.equal(await count(service), 0);
});

test('a large JSON body is parsed by a worker, and refused with the same errors', async (t) => {
  const service = await withCollection(t);
  const points = someVectors(2000, 3).map((vector, id) => ({ id, vector }));
  t.equal((await service.ask('POST /v1/collections/c/points', { points })).body.upserted, 2000);
  const bad = [...points, { id: 'x', vector: [1] }];
  const reply = await service.ask('POST /v1/collections/c/points', { points: bad });
  t.equal(reply.status, 422);
  t.equal(reply.body.code, 'dimension_mismatch');
  t.equal(reply.body.errors[0].path, 'points[2000].vector');
});

test('a body over the limit is refused', async (t) => {
  const { ask } = await startService(t, { BODY_BYTES_MAX: '2000' });
  await ask('POST /v1/collections', { name: 'c', dimension: 3, metric: 'l2' });
  const points = someVectors(100, 3).map((vector, id) => ({ id, vector }));
  const reply = await ask('POST /v1/collections/c/points', { points });
  t.equal(reply.status, 413);
  t.equal(reply.body.code, 'body_too_large');
  t.match(reply.body.detail, /2000 bytes/);
});

test('NDJSON is stored', async (t) => {
  const service = await withCollection(t);
  const lines = someVectors(500, 3).map((vector, id) => JSON.stringify({ id, vector }));
  const reply = await service.ask('POST /v1/collections/c/points', `${lines.join('\n')}\n`, NDJSON);
  t.equal(reply.status, 200);
  t.same(reply.body, { upserted: 500, sequence: 1 });
  t.equal(await count(service), 500);
});

test('a long NDJSON stream is stored block by block', async (t) => {
  const service = await withCollection(t);
  const vectors = someVectors(20_000, 3);
  function* chunks() {
    for (let i = 0; i < vectors.length; i += 100) {
      yield Buffer.from(
        vectors
          .slice(i, i + 100)
          .map(
            (vector, j) => `${JSON.stringify({ id: i + j, vector, payload: { text: 'x'.repeat(100) } })}\n`,
          )
          .join(''),
      );
    }
  }
  const reply = await service.ask('POST /v1/collections/c/points', Readable.from(chunks()), NDJSON);
  t.equal(reply.status, 200);
  t.equal(reply.body.upserted, 20_000);
  t.ok(reply.body.sequence >= 2, 'several blocks');
  t.equal(await count(service), 20_000);
});

test('a small NDJSON body with a bad line stores nothing', async (t) => {
  const service = await withCollection(t);
  const lines = ['{"id":1,"vector":[1,2,3]}', '{"id":2,"vector":[1,2]}', '{bad'].join('\n');
  const reply = await service.ask('POST /v1/collections/c/points', lines, NDJSON);
  t.equal(reply.status, 400);
  t.match(reply.body, {
    code: 'malformed_ndjson',
    upserted: 0,
    sequence: 0,
    errors: [{ path: 'line 2' }, { path: 'line 3' }],
  });
  t.equal(await count(service), 0);
});

test('a bad line late in a stream tells what was stored before it', async (t) => {
  const service = await withCollection(t);
  const text = { text: 'x'.repeat(1000) };
  const lines = someVectors(3000, 3).map((vector, id) =>
    JSON.stringify({ id, vector: id === 2500 ? [1] : vector, payload: text }),
  );
  const reply = await service.ask('POST /v1/collections/c/points', lines.join('\n'), NDJSON);
  t.equal(reply.body.code, 'malformed_ndjson');
  t.equal(reply.body.errors[0].path, 'line 2501');
  t.ok(reply.body.upserted > 0 && reply.body.upserted <= 2500);
  t.equal(await count(service), reply.body.upserted);
});

test('on_error=skip leaves bad lines out and reports them', async (t) => {
  const service = await withCollection(t);
  const lines = [
    '{"id":1,"vector":[1,2,3]}',
    '',
    '{"id":2,"vector":[1,2]}',
    '{bad',
    '{"id":3,"vector":[3,2,1]}',
  ].join('\n');
  const reply = await service.ask('POST /v1/collections/c/points?on_error=skip', lines, NDJSON);
  t.equal(reply.status, 200);
  t.match(reply.body, { upserted: 2, rejected: 2, errors: [{ path: 'line 3' }, { path: 'line 4' }] });
  t.equal(await count(service), 2);
  t.equal(
    (await service.ask('POST /v1/collections/c/points', '\n\n', NDJSON)).body.code,
    'validation_failed',
  );
});

test('NDJSON is for inserts only, other types for nothing', async (t) => {
  const service = await withCollection(t);
  const reply = await service.ask('POST /v1/collections/c/search', '{}', NDJSON);
  t.equal(reply.status, 415);
  t.equal(reply.body.code, 'unsupported_media_type');
  const form = await service.ask('POST /v1/collections/c/points', 'a=b', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  t.match(
    form.body.detail,
    /application\/json, application\/x-ndjson or application\/vnd\.apache\.arrow\.stream/,
  );
});
