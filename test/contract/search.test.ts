import { test } from 'tap';
import { parseRecall } from '../../src/contract/recall.js';
import { parseSearch, parseSearches } from '../../src/contract/search.js';
import { base64Of, bytesOf, refusalOf } from './bodies.js';

const refusal = (body: unknown) => refusalOf(() => parseSearch(bytesOf(body)));

test('a search has defaults, and its vector is decoded', async (t) => {
  const search = parseSearch(bytesOf({ vector: [1, 0.5] }));
  t.same(search.vector, Float32Array.of(1, 0.5));
  t.match(search, { k: 10, exact: false, with_payload: false, with_vector: false, with_stats: false });
  t.same(parseSearch(bytesOf({ vector: base64Of([1, 0.5]), k: 3 })).vector, Float32Array.of(1, 0.5));
  t.equal(parseSearch(bytesOf({ id: 5 })).id, 5);
});

test('huge, negative and fractional numbers are refused', async (t) => {
  for (const fields of [
    { k: 1001 },
    { k: 0 },
    { k: 1.5 },
    { k: '10' },
    { probes: 0 },
    { rerank_factor: 0.5 },
    { rerank_factor: 1e9 },
  ]) {
    const error = refusal({ vector: [1], ...fields });
    t.equal(error.code, 'validation_failed');
    t.equal(error.issues[0]?.path, Object.keys(fields)[0]);
  }
});

test('exactly one of vector and id is wanted', async (t) => {
  t.equal(refusal({}).code, 'validation_failed');
  t.equal(refusal({ vector: [1], id: 1 }).code, 'validation_failed');
});

test('a vector with NaN or infinity has a code of its own', async (t) => {
  t.equal(refusal({ vector: base64Of([1, Number.NaN]) }).code, 'vector_not_finite');
  const error = refusal({ vector: [1e39] });
  t.equal(error.code, 'vector_not_finite');
  t.equal(error.issues[0]?.path, 'vector');
});

test('fields that are unknown are refused, in a filter, too', async (t) => {
  t.equal(refusal({ vector: [1], filter: { a: 1 } }).code, 'validation_failed');
  const error = refusal({ vector: [1], top: 5 });
  t.equal(error.code, 'validation_failed');
  t.match(error.issues[0]?.message, /"top"/);
});

test('a target recall lies above 0 and up to 1, and stands without probes', async (t) => {
  for (const target_recall of [0, -0.5, 1.01, '0.9', null]) {
    const error = refusal({ vector: [1], target_recall });
    t.equal(error.code, 'validation_failed');
    t.equal(error.issues[0]?.path, 'target_recall');
  }
  const both = refusal({ vector: [1], target_recall: 0.9, probes: 3 });
  t.match(both.issues[0], { path: 'target_recall', message: /either/ });
  t.equal(parseSearch(bytesOf({ vector: [1], target_recall: 1 })).target_recall, 1);
});

test('a least recall stands alone, and its confidence with it', async (t) => {
  for (const min_recall of [0, -0.5, 1.01, '0.9', null]) {
    const error = refusal({ vector: [1], min_recall });
    t.equal(error.code, 'validation_failed');
    t.equal(error.issues[0]?.path, 'min_recall');
  }
  for (const confidence of [0, 1, 1.5, -1, '0.9']) {
    const error = refusal({ vector: [1], min_recall: 0.9, confidence });
    t.equal(error.issues[0]?.path, 'confidence');
  }
  const cases: [object, string, RegExp][] = [
    [{ min_recall: 0.9, probes: 3 }, 'min_recall', /either `probes` or `min_recall`/],
    [{ min_recall: 0.9, target_recall: 0.9 }, 'min_recall', /either `target_recall` or `min_recall`/],
    [{ min_recall: 0.9, rerank_factor: 4 }, 'rerank_factor', /either `rerank_factor` or `min_recall`/],
    [{ confidence: 0.9 }, 'confidence', /`min_recall`/],
    [{ confidence: 0.9, target_recall: 0.9 }, 'confidence', /`min_recall`/],
  ];
  for (const [fields, path, message] of cases) {
    t.match(refusal({ vector: [1], ...fields }), { code: 'validation_failed', issues: [{ path, message }] });
    const error = refusalOf(() => parseRecall(bytesOf(fields)));
    t.match(error, { code: 'validation_failed', issues: [{ path, message }] });
  }
  const all = refusal({ vector: [1], min_recall: 0.9, target_recall: 0.9, probes: 3 });
  t.same(
    all.issues.map(({ path }) => path),
    ['target_recall', 'min_recall'],
  );
  t.match(parseSearch(bytesOf({ vector: [1], min_recall: 1, confidence: 0.5 })), {
    min_recall: 1,
    confidence: 0.5,
  });
});

test('a measurement takes samples or vectors, or neither', async (t) => {
  t.match(parseRecall(new Uint8Array()), { k: 10 });
  const { vectors } = parseRecall(bytesOf({ vectors: [[1, 0.5], base64Of([2, 3])] }));
  t.same(vectors, [Float32Array.of(1, 0.5), Float32Array.of(2, 3)]);
  const refused = (body: object) => refusalOf(() => parseRecall(bytesOf(body)));
  t.match(refused({ vectors: [[1]], samples: 5 }), {
    code: 'validation_failed',
    issues: [{ path: 'vectors' }],
  });
  t.match(refused({ vectors: [] }), { code: 'validation_failed', issues: [{ path: 'vectors' }] });
  t.equal(refused({ vectors: new Array(1001).fill([1]) }).code, 'validation_failed');
  t.match(refused({ vectors: [[1], [1e39]] }), {
    code: 'vector_not_finite',
    issues: [{ path: 'vectors[1]' }],
  });
  t.match(refused({ vectors: [[1], 'x'] }), { code: 'validation_failed', issues: [{ path: 'vectors[1]' }] });
});

test('a batch tells which of its searches is bad', async (t) => {
  const error = refusalOf(() => parseSearches(bytesOf({ searches: [{ vector: [1] }, { vector: 'x' }] })));
  t.match(error.issues[0]?.path, 'searches[1].vector');
  t.equal(refusalOf(() => parseSearches(bytesOf({ searches: [] }))).code, 'validation_failed');
  t.equal(
    refusalOf(() => parseSearches(bytesOf({ searches: new Array(257).fill({ id: 1 }) }))).code,
    'validation_failed',
  );
  t.equal(parseSearches(bytesOf({ searches: [{ id: 1 }, { vector: [1] }] })).length, 2);
});
