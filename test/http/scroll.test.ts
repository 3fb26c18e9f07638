import { type Test, test } from 'tap';
import { type Service, someVectors, startService } from './service.js';

const SCROLL = 'POST /v1/collections/c/points/scroll';

async function withPoints(t: Test, count = 5): Promise<Service> {
  const service = await startService(t);
  await service.ask('POST /v1/collections', { name: 'c', dimension: 3, metric: 'l2' });
  const vectors = someVectors(count, 3);
  const points = vectors.map((vector, index) => ({ id: index, vector, payload: { index } }));
  await service.ask('POST /v1/collections/c/points', { points });
  return service;
}

test('the cursor of each page leads to the next', async (t) => {
  const { ask } = await withPoints(t);
  const ids: number[] = [];
  let body: object = { limit: 2 };
  for (let page = 1; page <= 3; page += 1) {
    const reply = await ask(SCROLL, body);
    t.equal(reply.status, 200);
    t.match(reply.headers['content-type'], 'application/json');
    ids.push(...reply.body.points.map(({ id }: { id: number }) => id));
    t.equal('next_cursor' in reply.body, page < 3);
    body = { limit: 2, cursor: reply.body.next_cursor };
  }
  t.strictSame(ids, [0, 1, 2, 3, 4]);
});

test('without a body it is the first page, with payloads and without vectors', async (t) => {
  const { ask } = await withPoints(t, 1);
  t.strictSame((await ask(SCROLL)).body, { points: [{ id: 0, payload: { index: 0 } }] });
  t.strictSame((await ask(SCROLL, { with_payload: false })).body, { points: [{ id: 0 }] });
});

test('vectors come as numbers or as base64, as they were given', async (t) => {
  const { ask } = await withPoints(t);
  const stored = someVectors(5, 3).map((vector) => Float32Array.from(vector));
  const numbers = await ask(SCROLL, { with_vector: true });
  const base64 = await ask(`${SCROLL}?encoding=base64`, { with_vector: true });
  for (const [index, vector] of stored.entries()) {
    t.same(Float32Array.from(numbers.body.points[index].vector), vector);
    t.equal(base64.body.points[index].vector, Buffer.from(vector.buffer).toString('base64'));
  }
});

test('bad scrolls are refused with their code', async (t) => {
  const { ask } = await withPoints(t);
  const cases: [unknown, number, string][] = [
    [{ cursor: 'not a cursor' }, 422, 'cursor_invalid'],
    [{ cursor: '' }, 422, 'cursor_invalid'],
    [{ filter: { must: [] } }, 400, 'validation_failed'],
    [{ limit: 1001 }, 400, 'validation_failed'],
    [{ offset: 3 }, 400, 'validation_failed'],
  ];
  for (const [body, status, code] of cases) {
    const reply = await ask(SCROLL, body as object);
    t.equal(reply.status, status, code);
    t.equal(reply.body.code, code);
  }
  t.equal((await ask('POST /v1/collections/nobody/points/scroll', {})).body.code, 'collection_not_found');
  t.equal((await ask(`${SCROLL}?encoding=hex`, {})).status, 400);
});

test('a key with scope read may scroll', async (t) => {
  const service = await startService(t, { API_KEYS: 'reader-key:read' });
  const reply = await service.ask(SCROLL, {}, { authorization: 'Bearer reader-key' });
  t.equal(reply.body.code, 'collection_not_found');
  t.equal((await service.ask(SCROLL, {})).status, 401);
});
