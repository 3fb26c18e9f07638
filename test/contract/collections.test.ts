import { test } from 'tap';
import { buildRequest } from '../../src/contract/build.js';
import { deletePoints } from '../../src/contract/chosen-points.js';
import { createCollection, storageOf } from '../../src/contract/collections.js';
import { parseWith } from '../../src/contract/issues.js';
import { refusalOf } from './bodies.js';

const WORDS = { name: 'words', dimension: 100, metric: 'cosine' };

test('a collection has defaults', async (t) => {
  t.same(parseWith(createCollection, WORDS), { ...WORDS, storage: 'mmap', index: {} });
});

test('storage names a backend, or a backend and a precision, each of which may be left out', async (t) => {
  const parsed = (storage: unknown) => storageOf(parseWith(createCollection, { ...WORDS, storage }).storage);
  t.same(parsed('memory'), { backend: 'memory', precision: 'float32' });
  t.same(parsed({ backend: 'memory' }), { backend: 'memory', precision: 'float32' });
  t.same(parsed({ precision: 'int8' }), { backend: 'mmap', precision: 'int8' });
  t.same(parsed({ backend: 'mmap', precision: 'float16' }), { backend: 'mmap', precision: 'float16' });
  for (const storage of ['int8', { precision: 'int4' }, { backend: 'disk' }, null]) {
    const error = refusalOf(() => parseWith(createCollection, { ...WORDS, storage }));
    t.equal(error.code, 'validation_failed');
    t.match(error.issues, [{ path: 'storage', message: /float32, float16, int8/ }]);
  }
  const unknown = refusalOf(() => parseWith(createCollection, { ...WORDS, storage: { codes: 1 } }));
  t.match(unknown.issues, [{ path: 'storage', message: /codes/ }]);
});

test('names cannot be paths', async (t) => {
  for (const name of [
    '../up',
    '..',
    '.',
    '',
    'a/b',
    'a\\b',
    '.hidden',
    'x'.repeat(129),
    'nul\u0000',
    'ü',
    'a b',
    5,
  ]) {
    const error = refusalOf(() => parseWith(createCollection, { ...WORDS, name }));
    t.equal(error.code, 'validation_failed', String(name));
    t.equal(error.issues[0]?.path, 'name');
  }
});

test('dimension, metric, storage and index parameters are checked', async (t) => {
  const bad = [
    { dimension: 1 },
    { dimension: 4097 },
    { dimension: 2.5 },
    { metric: 'hamming' },
    { storage: 'disk' },
    { index: { branching_factor: 1 } },
    { index: { max_leaf_size: 1e9 } },
    { index: { max_iterations: 0 } },
    { index: { bits: 3 } },
    { index: { quantizer: 'sign', bits: 2 } },
    { index: { leaves: 5 } },
    { shards: 2 },
  ];
  for (const fields of bad) {
    t.equal(
      refusalOf(() => parseWith(createCollection, { ...WORDS, ...fields })).code,
      'validation_failed',
      JSON.stringify(fields),
    );
  }
});

test('a build takes index parameters only', async (t) => {
  t.same(parseWith(buildRequest, { bits: 4, max_iterations: 3 }), { bits: 4, max_iterations: 3 });
  t.equal(refusalOf(() => parseWith(buildRequest, { wait: true })).code, 'validation_failed');
});

test('a delete names ids or has a filter', async (t) => {
  t.same(parseWith(deletePoints, { ids: [1, 'a'] }).ids, [1, 'a']);
  t.equal(refusalOf(() => parseWith(deletePoints, {})).code, 'validation_failed');
  t.equal(refusalOf(() => parseWith(deletePoints, { ids: [] })).code, 'validation_failed');
  const filter = { must: [{ key: 'kind', exists: true }] };
  t.same(parseWith(deletePoints, { filter }).filter, filter);
  t.equal(refusalOf(() => parseWith(deletePoints, { ids: [1], filter })).code, 'validation_failed');
  // What came out as no filter at all must not empty a collection.
  t.equal(refusalOf(() => parseWith(deletePoints, { filter: {} })).code, 'validation_failed');
});
