import { crc32c } from '@node-rs/crc32';
import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Null,
  Table,
  TimestampSecond,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import fc from 'fast-check';
import { type Test, test } from 'tap';
import type { ArrowBatch } from '../../src/contract/arrow-points.js';
import type { PointShape } from '../../src/contract/point-batch.js';
import { rowBytes, storeVector } from '../../src/contract/stored-vector.js';
import { fixture, parseStream, pointsOf } from '../arrow/streams.js';
import { DIMENSION, randomTables, streamOf } from '../arrow/tables.js';

const L2: PointShape = { dimension: 3, metric: 'l2', precision: 'float32' };
const COSINE: PointShape = { dimension: 3, metric: 'cosine', precision: 'float32' };
const VECTORS = [1, 2, 3, 4, 5, 6].map((first) => [first, 0.5, -1.25]);
const fixed = (type: Float32 | Float64 = new Float32(), size = 3) =>
  new FixedSizeList(size, new Field('item', type, true));

/** A stream of one batch with these columns; rows have the ids 0, 1, ... unless told. */
function tableOf(columns: Record<string, unknown>, rows = 2): Uint8Array {
  const all = {
    id: vectorFromArray(
      Array.from({ length: rows }, (_, row) => row),
      new Int32(),
    ),
    vector: vectorFromArray(VECTORS.slice(0, rows), fixed()),
    ...columns,
  };
  return streamOf(new Table(all as never), rows);
}

async function refuses(t: Test, bytes: Uint8Array, code: string, issue: object, shape = L2) {
  await t.rejects(parseStream(bytes, shape), { code, issues: [issue] }, `${code} ${JSON.stringify(issue)}`);
}

test('every type that a payload may have is read as pyarrow wrote it', async (t) => {
  const points = pointsOf(await parseStream(fixture('everything.arrows'), COSINE));
  t.same(
    points.map(({ id, vector }) => [id, vector]),
    VECTORS.map((vector, row) => [`é${row}`, vector]),
  );
  t.same(points[0]?.payload, {
    bool: true,
    int8: -128,
    uint16: 65_535,
    int64: 9007199254740991,
    half: 0.5,
    float: Math.fround(0.1),
    double: 0.1,
    large: 'x',
    view: 'short',
    word: 'a',
    seconds: '2026-11-24T15:30:05Z',
    millis: '2026-11-24T15:30:05.123Z',
    micros: '2026-11-24T15:30:05.123456Z',
    nanos: '2026-11-24T15:30:05.123456000Z',
    before: '1969-12-31T23:59:59.999Z',
    day: '2026-11-24',
    day64: '2026-11-24',
    tags: ['a', null],
    pairs: [1, 2],
    nested: [[1], []],
  });
  t.match(points[1]?.payload, {
    int64: -9007199254740991,
    view: 'much longer than twelve bytes',
    before: '1969-12-31T23:59:59.000Z',
    day64: '1969-12-31',
  });
  t.same(points[2]?.payload, {
    int8: 0,
    uint16: 1,
    int64: 0,
    half: 65504,
    word: 'a',
    seconds: '2026-11-24T15:30:05Z',
    millis: '2026-11-24T15:30:05.123Z',
    micros: '2026-11-24T15:30:05.123456Z',
    nanos: '2026-11-24T15:30:05.123456000Z',
    before: '1970-01-01T00:00:00.000Z',
  });
  t.match(points[4]?.payload, {
    large: '\u{1f600}',
    view: 'é'.repeat(20),
    word: 'b',
    tags: ['c', 'd'],
    nested: [[4]],
  });
});

test('vectors of float32, float64 and float16, of fixed size or in lists, whole or sliced, are the same', async (t) => {
  for (const [name, first] of [
    ['sliced', 3],
    ['float64', 0],
    ['float16', 0],
    ['lists', 2],
  ] as const) {
    const points = pointsOf(await parseStream(fixture(`${name}.arrows`), COSINE));
    t.same(points, VECTORS.map((vector, id) => ({ id, vector, payload: null })).slice(first), name);
  }
});

test('any table that the official library writes is read back', async (t) => {
  await fc.assert(
    fc.asyncProperty(randomTables(20), async ({ bytes, points }) => {
      t.same(pointsOf(await parseStream(bytes, { ...COSINE, dimension: DIMENSION })), points);
    }),
    { numRuns: 100, seed: 11 },
  );
});

test('vectors are views of the body that came in, each with its checksum', async (t) => {
  const [first] = await parseStream(fixture('sliced.arrows'), L2);
  const { batch } = first as NonNullable<typeof first>;
  t.ok(batch.vectors.buffer.byteLength > batch.vectors.byteLength, 'not copied');
  t.equal(batch.checksums[1], crc32c(new Uint8Array(Float32Array.of(...(VECTORS[4] as number[])).buffer)));
});

test('a column of any place is kept in the precision of the collection', async (t) => {
  for (const name of ['sliced', 'float64']) {
    for (const precision of ['float16', 'int8'] as const) {
      const [parsed] = await parseStream(fixture(`${name}.arrows`), { ...L2, precision });
      const { batch } = parsed as NonNullable<typeof parsed>;
      const [given] = await parseStream(fixture(`${name}.arrows`), L2);
      const stride = rowBytes({ dimension: 3, precision });
      const expected = new Uint8Array(batch.count * stride);
      for (const [row, { vector }] of pointsOf([given as NonNullable<typeof given>]).entries())
        storeVector(Float32Array.from(vector), precision, expected, row * stride);
      t.same(batch.vectors, expected);
      t.equal(batch.checksums[1], crc32c(expected.subarray(stride, 2 * stride)));
    }
  }
});

test('what cannot be read is refused by the name of its column and type', async (t) => {
  for (const name of ['binary', 'struct', 'decimal']) {
    await t.rejects(parseStream(fixture(`${name}.arrows`), L2), {
      code: 'not_supported',
      message: `Column odd of type ${name} is not supported by this version.`,
    });
  }
  for (const codec of ['lz4', 'zstd']) {
    await t.rejects(parseStream(fixture(`${codec}.arrows`), L2), {
      code: 'not_supported',
      message: `An Arrow body compressed with ${codec} is not supported by this version.`,
    });
  }
});

test('id and vector must be there, once, and of a type that fits', async (t) => {
  const words = vectorFromArray(['a', 'b'], new Utf8());
  await refuses(t, streamOf(new Table({ vector: words } as never), 2), 'validation_failed', { path: 'id' });
  await refuses(t, streamOf(new Table({ id: words } as never), 2), 'validation_failed', { path: 'vector' });
  await refuses(t, tableOf({ id: vectorFromArray([1.5, 2.5], new Float64()) }), 'validation_failed', {
    path: 'id',
    message: 'An id column holds integers or utf8, this one is a float64',
  });
  await refuses(t, tableOf({ vector: words }), 'validation_failed', {
    path: 'vector',
    message: /this one is a utf8$/,
  });
  const integers = vectorFromArray(
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
    new FixedSizeList(3, new Field('item', new Int32(), false)),
  );
  await refuses(t, tableOf({ vector: integers }), 'validation_failed', {
    path: 'vector',
    message: /this one is a fixed_size_list<int32>\[3\]$/,
  });
  const wide = vectorFromArray(
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
    fixed(new Float32(), 4),
  );
  await refuses(t, tableOf({ vector: wide }), 'dimension_mismatch', {
    path: 'vector',
    message: /has 4 numbers.* is 3/,
  });
});

test('other columns may be named as id and vector; what is left is payload', async (t) => {
  const key = vectorFromArray(['a', 'b'], new Utf8());
  const parsed = await parseStream(tableOf({ key }), L2, { idColumn: 'key' });
  t.same(
    pointsOf(parsed).map(({ id, payload }) => [id, payload]),
    [
      ['a', { id: 0 }],
      ['b', { id: 1 }],
    ],
  );
});

test('bad ids are refused with their rows, never rounded', async (t) => {
  const bad: [unknown, RegExp][] = [
    [vectorFromArray([1n, 2n ** 53n], new Int64()), /2\^53-1/],
    [vectorFromArray([1n, 2n ** 64n - 1n], new Uint64()), /2\^53-1/],
    [vectorFromArray([1n, -1n], new Int64()), /2\^53-1/],
    [vectorFromArray([1, null], new Int32()), /string or an integer/],
    [vectorFromArray(['a', ''], new Utf8()), /at least one character/],
    [vectorFromArray(['a', 'x'.repeat(257)], new Utf8()), /at most 256 bytes/],
  ];
  for (const [id, message] of bad)
    await refuses(t, tableOf({ id }), 'validation_failed', { path: 'rows[1].id', message });
  const twice = tableOf({ id: vectorFromArray(['5', '5'], new Utf8()) });
  await refuses(t, twice, 'duplicate_id', { path: 'rows[1].id', message: /rows\[0\] and rows\[1\]/ });
});

test('bad vectors are refused with their rows and codes', async (t) => {
  const rows = (second: unknown, type: Float32 | Float64 = new Float32()) =>
    tableOf({ vector: vectorFromArray([[1, 2, 3], second], fixed(type)) });
  const at = { path: 'rows[1].vector' };
  await refuses(t, rows([1, Number.NaN, 3]), 'vector_not_finite', at);
  await refuses(t, rows([1, Number.POSITIVE_INFINITY, 3]), 'vector_not_finite', at);
  await refuses(t, rows([1, 1e39, 3], new Float64()), 'vector_not_finite', at);
  await refuses(t, rows([1e16, 0, 0]), 'vector_out_of_range', at);
  await refuses(t, rows([0, 0, 0]), 'zero_vector', at, COSINE);
  await refuses(t, rows(null), 'validation_failed', { ...at, message: /no vector/ });
  await refuses(t, rows([1, null, 3]), 'validation_failed', {
    ...at,
    message: /Number 1 of the vector is null/,
  });
  const list = vectorFromArray(
    [
      [1, 2, 3],
      [1, 2],
    ],
    new List(new Field('item', new Float32(), true)),
  );
  await refuses(t, tableOf({ vector: list }), 'dimension_mismatch', { ...at, message: /has 2 numbers/ });
});

test('values that JSON cannot hold are refused with row and column', async (t) => {
  const bad: [unknown, RegExp][] = [
    [vectorFromArray([1n, 2n ** 53n], new Int64()), /beyond 2\^53-1/],
    [vectorFromArray([1, Number.NaN], new Float64()), /NaN/],
    [
      vectorFromArray([[1], [Number.NEGATIVE_INFINITY]], new List(new Field('item', new Float64(), true))),
      /NaN/,
    ],
    [vectorFromArray(['a', 'x'.repeat(65_537)], new Utf8()), /at most 65536 bytes/],
    [vectorFromArray([0, 253_402_300_800_000], new TimestampSecond()), /years 0 to 9999/],
  ];
  for (const [odd, message] of bad) {
    const issue = { path: 'rows[1].payload.odd', message };
    await refuses(t, tableOf({ odd }), 'validation_failed', issue);
  }
});

test('a column cannot be named to reach a prototype, and no name stands twice', async (t) => {
  const odd = vectorFromArray([1, 2], new Int32());
  const bytes = tableOf({ aaaaaaaaa: odd, bbbbbbbbb: odd });
  const renamed = (...names: string[]) => {
    const text = Buffer.from(bytes).toString('latin1');
    const [first = '', second = ''] = names;
    return Buffer.from(text.replace('aaaaaaaaa', first).replace('bbbbbbbbb', second), 'latin1');
  };
  t.equal(pointsOf(await parseStream(renamed('aaaaaaaaa', 'bbbbbbbbb'), L2)).length, 2);
  await refuses(t, renamed('__proto__', 'bbbbbbbbb'), 'validation_failed', {
    path: '__proto__',
    message: /prototype/,
  });
  await refuses(t, renamed('bbbbbbbbb', 'bbbbbbbbb'), 'validation_failed', {
    path: 'bbbbbbbbb',
    message: /Two columns/,
  });
});

test('a table without values beside id and vector makes points without payload', async (t) => {
  const nothing = vectorFromArray([null, null], new Null());
  t.same(
    pointsOf(await parseStream(tableOf({ nothing }), L2)).map(({ payload }) => payload),
    [null, null],
  );
  t.same(await parseStream(fixture('empty.arrows'), L2), []);
});

test('with skip, bad rows are left out and told; the vectors that stay are packed', async (t) => {
  const vector = vectorFromArray(
    [[1, 1, 1], [2, Number.NaN, 2], [3, 3, 3], null, [5, 5, 5], [6, 6, 6]],
    fixed(),
  );
  const id = vectorFromArray(['a', 'b', 'c', 'd', 'a', 'f'], new Utf8());
  const parsed = await parseStream(tableOf({ id, vector }, 6), L2, { onError: 'skip', firstRow: 100 });
  t.match(parsed, [
    {
      accepted: 3,
      rejected: 3,
      errors: [{ path: 'rows[101].vector' }, { path: 'rows[103].vector' }, { path: 'rows[104].id' }],
    },
  ]);
  t.same(
    pointsOf(parsed).map(({ id, vector }) => [id, vector]),
    [
      ['a', [1, 1, 1]],
      ['c', [3, 3, 3]],
      ['f', [6, 6, 6]],
    ],
  );
});

test('at most 16 bad rows are told', async (t) => {
  const rows = 40;
  const vector = vectorFromArray(
    Array.from({ length: rows }, () => [0, 0, 0]),
    fixed(),
  );
  const error = await parseStream(tableOf({ vector }, rows), COSINE).catch((error) => error);
  t.match(error, { code: 'zero_vector' });
  t.equal(error.issues.length, 16);
});

test('a batch of too many rows, or of too much payload for its bytes, is refused', async (t) => {
  const rows = 10_001;
  const vector = vectorFromArray(
    Array.from({ length: rows }, () => [1, 2, 3]),
    fixed(),
  );
  await refuses(t, tableOf({ vector }, rows), 'validation_failed', {
    message: /at most 10000 rows, this one has 10001/,
  });
  const word = vectorFromArray(
    Array.from({ length: 100 }, () => 'x'.repeat(500)),
    new Utf8(),
  );
  const many = vectorFromArray(
    Array.from({ length: 100 }, () => [1, 2, 3]),
    fixed(),
  );
  const options: Partial<ArrowBatch> = { payloadBytesMax: 10_000 };
  await t.rejects(parseStream(tableOf({ word, vector: many }, 100), L2, options), {
    code: 'validation_failed',
    issues: [{ message: /more than 10000 bytes as JSON/ }],
  });
});
