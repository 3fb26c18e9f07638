import { type Test, test } from 'tap';
import { recallReport } from '../../src/contract/recall.js';
import { searchBatchResponse, searchResponse } from '../../src/contract/search.js';
import { type Service, startService } from './service.js';

const POINTS = [
  { id: 'east', vector: [1, 0], payload: { name: 'East' } },
  { id: 'north', vector: [0, 1] },
  { id: 3, vector: [1, 1] },
];

async function withPoints(t: Test, metric = 'cosine'): Promise<Service> {
  const service = await startService(t);
  await service.ask('POST /v1/collections', { name: 'c', dimension: 2, metric });
  await service.ask('POST /v1/collections/c/points', { points: POINTS });
  return service;
}

test('the nearest points come first, with what was asked for', async (t) => {
  const { ask } = await withPoints(t);
  const plain = await ask('POST /v1/collections/c/search', { vector: [2, 0], k: 2 });
  t.equal(plain.status, 200);
  t.match(plain.headers['content-type'], /^application\/json/);
  t.same(
    plain.body.results.map((result: { id: unknown }) => result.id),
    ['east', 3],
  );
  t.same(Object.keys(plain.body.results[0]), ['id', 'score']);
  const full = await ask('POST /v1/collections/c/search', {
    vector: [2, 0],
    exact: true,
    with_payload: true,
    with_vector: true,
    with_stats: true,
  });
  searchResponse.parse(full.body);
  t.equal(full.body.results.length, 3, 'k larger than the collection');
  t.match(full.body.results[0], { id: 'east', payload: { name: 'East' }, vector: [1, 0] });
  t.ok(Math.abs(full.body.results[0].score - 1) < 1e-6);
  t.ok(full.body.stats.vectors_scanned + full.body.stats.vectors_reranked > 0);
  t.equal(full.body.stats.way, 'exact');
  t.notOk('payload' in full.body.results[2]);
  const coded = await ask('POST /v1/collections/c/search?encoding=base64', {
    vector: [2, 0],
    k: 1,
    with_vector: true,
  });
  t.equal(coded.body.results[0].vector, Buffer.from(Float32Array.of(1, 0).buffer).toString('base64'));
});

test('a search by id leaves the point itself out', async (t) => {
  const { ask } = await withPoints(t, 'l2');
  const { body } = await ask('POST /v1/collections/c/search', { id: 'east' });
  t.same(
    body.results.map((result: { id: unknown }) => result.id),
    [3, 'north'],
  );
  t.equal((await ask('POST /v1/collections/c/search', { id: 'nobody' })).body.code, 'point_not_found');
});

test('a batch answers in order; one bad search refuses it', async (t) => {
  const { ask } = await withPoints(t);
  const searches = [
    { vector: [1, 0], k: 1 },
    { vector: [0, 1], k: 1 },
    { id: 3, k: 2 },
  ];
  const { status, body } = await ask('POST /v1/collections/c/search/batch', { searches });
  t.equal(status, 200);
  searchBatchResponse.parse(body);
  t.same(
    body.results.map((list: { id: unknown }[]) => list[0]?.id),
    ['east', 'north', 'east'],
  );
  const bad = await ask('POST /v1/collections/c/search/batch', {
    searches: [...searches, { vector: [1, 2, 3] }],
  });
  t.equal(bad.status, 422);
  t.match(bad.body.errors[0].path, /^searches\[3\]/);
  const many = {
    searches: new Array(256).fill({
      vector: Array.from({ length: 2 }, () => 1 / 3),
      rerank_factor: 5,
      with_payload: true,
      exact: false,
    }),
  };
  t.equal(
    (await ask('POST /v1/collections/c/search/batch', many)).body.results.length,
    256,
    'parsed by a worker',
  );
});

test('times in statistics are tenths of microseconds', async (t) => {
  const { ask } = await withPoints(t);
  const { body } = await ask('POST /v1/collections/c/search', { vector: [1, 2], with_stats: true });
  for (const time of Object.values<number>(body.stats.microseconds)) t.match(String(time), /^\d+(\.\d)?$/);
});

test('bad searches are refused with their code', async (t) => {
  const { ask } = await withPoints(t);
  const cases: [unknown, number, string][] = [
    [{ vector: [1] }, 422, 'dimension_mismatch'],
    [{ vector: [0, 0] }, 422, 'zero_vector'],
    [{ vector: [1e15, 1e15] }, 422, 'vector_out_of_range'],
    [{ vector: [1e-16, 0] }, 422, 'vector_out_of_range'],
    [{ vector: 'AADAfwAAgD8=' }, 422, 'vector_not_finite'],
    [{ vector: [1, 2], k: 1e9 }, 400, 'validation_failed'],
    [{ vector: [1, 2], limit: 5 }, 400, 'validation_failed'],
    [{ vector: [1, 2], filter: { kind: 'tree' } }, 400, 'validation_failed'],
    [{ vector: [1, 2], target_recall: 1.5 }, 400, 'validation_failed'],
    [{ vector: [1, 2], target_recall: 0.9, probes: 3 }, 400, 'validation_failed'],
    [{ vector: [1, 2], min_recall: 0.9, probes: 3 }, 400, 'validation_failed'],
    [{ vector: [1, 2], confidence: 0.9 }, 400, 'validation_failed'],
    [{}, 400, 'validation_failed'],
  ];
  for (const [body, status, code] of cases) {
    const reply = await ask('POST /v1/collections/c/search', body as object);
    t.equal(reply.status, status, code);
    t.equal(reply.body.code, code);
  }
  t.equal(
    (await ask('POST /v1/collections/c/search?encoding=hex', { vector: [1, 2] })).body.code,
    'validation_failed',
  );
  const huge = await ask('POST /v1/collections/c/search', `{"vector":[${'1,'.repeat(200_000)}1]}`);
  t.equal(huge.status, 413);
});

test('recall is measured', async (t) => {
  const { ask } = await withPoints(t);
  const { status, body } = await ask('POST /v1/collections/c/recall', { samples: 3, k: 1 });
  t.equal(status, 200);
  t.match(body, { recall: 1, samples: 3, k: 1 });
  t.ok(body.search.p50_us > 0 && body.exact.p99_us > 0);
  const both = await ask('POST /v1/collections/c/recall', { target_recall: 0.9, probes: 2 });
  t.equal(both.body.code, 'validation_failed');
  const aimed = await ask('POST /v1/collections/c/recall', { target_recall: 0.9, samples: 3, k: 1 });
  t.match(aimed.body, { recall: 1, samples: 3 });
});

test('a search with a least recall that nothing was calibrated for compares all', async (t) => {
  const { ask } = await withPoints(t);
  const search = { vector: [2, 0], k: 2, min_recall: 0.9, confidence: 0.99, with_stats: true };
  const { body } = await ask('POST /v1/collections/c/search', search);
  t.match(body, { results: [{ id: 'east' }, { id: 3 }], stats: { way: /^(exact|compared_all)$/ } });
});

test('recall is measured with queries of the caller, in a body of any size', async (t) => {
  const { ask } = await withPoints(t, 'l2');
  const recall = (body?: object) => ask('POST /v1/collections/c/recall', body);
  const { body } = await recall({ vectors: [[1, 0.2], 'AACAPwAAgD8='], k: 2 });
  t.match(body, { recall: 1, recall_min: 1, samples: 2, pending_samples: 0, short_answers: 0, k: 2 });
  recallReport.parse(body);
  t.match((await recall()).body, { samples: 3, pending_samples: 3, recall: 1, k: 10 });
  const filter = { must_not: [{ has_id: Array.from({ length: 400 }, (_, i) => `${i}`.padStart(100, 'x')) }] };
  const large = await recall({ vectors: [[1, 0.2]], k: 1, filter });
  t.match(large.body, { recall: 1, samples: 1 }, 'parsed by a worker');

  const cases: [object, number, string, string][] = [
    [{ vectors: [[1, 2], [1]] }, 422, 'dimension_mismatch', 'vectors[1]'],
    [{ vectors: [[1e15, 1e15]] }, 422, 'vector_out_of_range', 'vectors[0]'],
    [{ vectors: ['AADAfwAAgD8='] }, 422, 'vector_not_finite', 'vectors[0]'],
    [{ vectors: [[1, 2]], samples: 3 }, 400, 'validation_failed', 'vectors'],
    [{ samples: 3, min_recall: 0.9, target_recall: 0.9 }, 400, 'validation_failed', 'min_recall'],
  ];
  for (const [request, status, code, path] of cases) {
    t.match(await recall(request), { status, body: { code, errors: [{ path }] } });
  }
  const [bad, good] = [[1, 2, 3], Array(900).fill([0.123456789, 0.987654321])];
  t.match(await recall({ vectors: [...good, bad], k: 1 }), {
    status: 422,
    body: { code: 'dimension_mismatch', errors: [{ path: 'vectors[900]' }] },
  });
});

test('an answer that would be too large for its memory is refused, alone and as a batch', async (t) => {
  const { ask } = await startService(t);
  await ask('POST /v1/collections', { name: 'large', dimension: 2, metric: 'l2' });
  const text = 'x'.repeat(64_000);
  for (let first = 0; first < 300; first += 100) {
    const points = Array.from({ length: 100 }, (_, i) => ({
      id: first + i,
      vector: [first + i, 1],
      payload: { text },
    }));
    t.equal((await ask('POST /v1/collections/large/points', { points })).status, 200);
  }
  const search = { vector: [0, 1], k: 300, with_payload: true };
  const refused = await ask('POST /v1/collections/large/search', search);
  t.match(refused, { status: 422, body: { code: 'reply_too_large', detail: /more than 16777216 bytes/ } });
  const batch = (count: number) => ({ searches: Array(count).fill({ ...search, k: 50 }) });
  t.match(await ask('POST /v1/collections/large/search/batch', batch(256)), {
    status: 422,
    body: { code: 'reply_too_large' },
  });
  const { body } = await ask('POST /v1/collections/large/search/batch', batch(3));
  t.equal(body.results[2][49].payload.text, text);
  const plain = await ask('POST /v1/collections/large/search', { ...search, with_payload: false });
  t.equal(plain.body.results.length, 300);
});
