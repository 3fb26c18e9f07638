import { crc32c } from '@node-rs/crc32';
import { type Test, test } from 'tap';
import { payloadAt } from '../../src/contract/payload-column.js';
import { type PointShape, parsePoints } from '../../src/contract/point-batch.js';
import { pointId } from '../../src/contract/points.js';
import { base64Of, bytesOf, floatsOf, refusalOf } from './bodies.js';

const L2: PointShape = { dimension: 3, metric: 'l2', precision: 'float32' };
const COSINE: PointShape = { dimension: 3, metric: 'cosine', precision: 'float32' };

function refuses(t: Test, points: unknown, code: string, path: string, shape = L2) {
  const error = refusalOf(() => parsePoints(bytesOf({ points }), shape));
  t.equal(error.code, code);
  t.equal(error.issues[0]?.path, path);
  t.ok(error.issues[0]?.message);
}

test('points become columns, with a checksum of each vector', async (t) => {
  const points = [
    { id: 'a', vector: [1, 2, 3], payload: { word: 'tree', deep: { list: [1, null] } } },
    { id: 7, vector: base64Of([4, 5, 6]) },
  ];
  const batch = parsePoints(bytesOf({ points }), L2);
  t.equal(batch.count, 2);
  t.same(batch.ids, ['a', 7]);
  t.same(floatsOf(batch.vectors), [1, 2, 3, 4, 5, 6]);
  t.equal(batch.vectors.buffer.byteLength, 24, 'the vectors have a buffer of their own');
  t.equal(
    Buffer.from(payloadAt(batch.payloads, 0) as Uint8Array).toString(),
    '{"word":"tree","deep":{"list":[1,null]}}',
  );
  t.equal(payloadAt(batch.payloads, 1), null);
  t.equal(batch.checksums[1], crc32c(new Uint8Array(Float32Array.of(4, 5, 6).buffer)));
});

test('a vector of another dimension is refused, as numbers and as base64', async (t) => {
  refuses(t, [{ id: 1, vector: [1, 2] }], 'dimension_mismatch', 'points[0].vector');
  refuses(t, [{ id: 1, vector: base64Of([1, 2, 3, 4]) }], 'dimension_mismatch', 'points[0].vector');
  refuses(t, [{ id: 1, vector: [] }], 'dimension_mismatch', 'points[0].vector');
});

test('NaN and infinity are refused', async (t) => {
  refuses(t, [{ id: 1, vector: base64Of([1, Number.NaN, 3]) }], 'vector_not_finite', 'points[0].vector');
  refuses(t, [{ id: 1, vector: base64Of([1, 2, -Infinity]) }], 'vector_not_finite', 'points[0].vector');
  refuses(t, [{ id: 1, vector: [1, 1e39, 3] }], 'vector_not_finite', 'points[0].vector');
  const error = refusalOf(() => parsePoints(bytesOf('{"points":[{"id":1,"vector":[1,2,1e999]}]}'), L2));
  t.equal(error.code, 'vector_not_finite');
});

test('base64 is standard, padded and without whitespace; all else is refused as such, whatever its length', async (t) => {
  // Of 12 bytes, which take 16 characters without padding.
  const right = base64Of([1, -2, 3.5]);
  const bad = [
    '*'.repeat(16),
    `${right.slice(0, 15)}-`,
    `${right.slice(0, 15)}_`,
    `${right.slice(0, 15)}\u0141`,
    `${right.slice(0, 15)}\u00e4`,
    `${right.slice(0, 8)} ${right.slice(8, 15)}`,
    `=${right.slice(1)}`,
    // Of another length, too.
    '!!!!',
    right.slice(0, 15),
    `${right}\n`,
    `${right}   \n`,
    `${right}A-_A`,
    `${right}\u0141\u0141\u0141\u0141`,
    `${right}====`,
    'AA==AAAA',
    'AAA',
  ];
  for (const vector of bad) {
    const error = refusalOf(() => parsePoints(bytesOf({ points: [{ id: 1, vector }] }), L2));
    t.equal(error.code, 'validation_failed', vector);
    t.match(error.issues, [{ path: 'points[0].vector', message: /not valid base64/ }], vector);
  }
});

test('good base64 of a wrong length is told from bad base64', async (t) => {
  const refusal = (vector: string) =>
    refusalOf(() => parsePoints(bytesOf({ points: [{ id: 1, vector }] }), L2));
  t.match(refusal('AAAA').issues, [{ message: '3 bytes are no whole number of float32' }]);
  t.match(refusal(base64Of([1, 2, 3]).replace(/.$/, '=')).issues, [{ message: /^11 bytes/ }]);
  t.equal(refusal('').code, 'dimension_mismatch');
  t.equal(refusal(base64Of([1, 2])).code, 'dimension_mismatch');
});

test('base64 is read with and without padding signs, as its length needs them', async (t) => {
  for (const numbers of [
    [1, 2],
    [1, 2, 3],
    [1, 2, 3, 4],
  ]) {
    const points = [{ id: 1, vector: base64Of(numbers) }];
    const { vectors } = parsePoints(bytesOf({ points }), { ...L2, dimension: numbers.length });
    t.same(floatsOf(vectors), numbers);
  }
});

test('what is no number or no vector is refused at its first fault', async (t) => {
  refuses(t, [{ id: 1, vector: [1, '2', 3] }], 'validation_failed', 'points[0].vector');
  refuses(t, [{ id: 1, vector: [1, null, 3] }], 'validation_failed', 'points[0].vector');
  refuses(t, [{ id: 1, vector: { 0: 1 } }], 'validation_failed', 'points[0].vector');
  refuses(t, [{ id: 1 }], 'validation_failed', 'points[0].vector');
});

test('a zero vector is refused for cosine only', async (t) => {
  refuses(t, [{ id: 1, vector: [0, 0, 0] }], 'zero_vector', 'points[0].vector', COSINE);
  t.equal(parsePoints(bytesOf({ points: [{ id: 1, vector: [0, 0, 0] }] }), L2).count, 1);
});

test('ids are strings of 1 to 256 bytes or integers up to 2^53-1, never rounded', async (t) => {
  const bad = ['', 'x'.repeat(257), 'ä'.repeat(129), -1, 1.5, 9007199254740992, true, null, ['a'], '\ud800'];
  for (const id of bad) refuses(t, [{ id, vector: [1, 2, 3] }], 'validation_failed', 'points[0].id');
  const error = refusalOf(() =>
    parsePoints(bytesOf('{"points":[{"id":9007199254740993,"vector":[1,2,3]}]}'), L2),
  );
  t.equal(error.code, 'validation_failed');
  for (const id of ['x'.repeat(256), 9007199254740991, 0]) {
    t.same(parsePoints(bytesOf({ points: [{ id, vector: [1, 2, 3] }] }), L2).ids, [id]);
  }
});

test('numbers that are no integer in range are no ids; a fraction that float64 rounds away is not seen', async (t) => {
  const parsed = (id: string) =>
    parsePoints(bytesOf(`{"points":[{"id":${id},"vector":[1,2,3]}]}`), L2).ids[0];
  for (const id of ['-0', '-1', '0.5', '1e16', '9007199254740992', '9007199254740993', '1e400', '-1e400']) {
    const error = refusalOf(() => parsed(id));
    t.equal(error.code, 'validation_failed', id);
    t.match(error.issues[0], { path: 'points[0].id', message: /from 0 to 2\^53-1/ }, id);
  }
  t.equal(parsed('1.0000000000000000001'), 1);
  t.equal(parsed('9007199254740990.5'), 9007199254740990);
  t.match(pointId.meta()?.description, /1\.0000000000000000001 are the integer 1/);
});

test('the same id twice in a batch is refused; 5 and "5" are the same', async (t) => {
  const twice = [
    { id: 5, vector: [1, 2, 3] },
    { id: 'b', vector: [1, 2, 3] },
    { id: '5', vector: [1, 2, 3] },
  ];
  refuses(t, twice, 'duplicate_id', 'points[2].id');
});

test('unknown fields are refused', async (t) => {
  refuses(t, [{ id: 1, vector: [1, 2, 3], vektor: 1 }], 'validation_failed', 'points[0]');
  t.equal(refusalOf(() => parsePoints(bytesOf({ points: [], extra: 1 }), L2)).code, 'validation_failed');
});

test('a payload is an object of bounded size and depth', async (t) => {
  const point = (payload: unknown) => [{ id: 1, vector: [1, 2, 3], payload }];
  let deep: unknown = 1;
  for (let level = 0; level < 40; level += 1) deep = { deep };
  for (const payload of ['text', [1], null, 5, { text: 'x'.repeat(65_536) }, deep]) {
    refuses(t, point(payload), 'validation_failed', 'points[0].payload');
  }
});

test('a payload number that overflows is refused instead of coming back as null', async (t) => {
  const parsed = (payload: string) =>
    parsePoints(bytesOf(`{"points":[{"id":1,"vector":[1,2,3],"payload":${payload}}]}`), L2);
  for (const payload of ['{"n":1e400}', '{"n":-1e400}', '{"deep":[{"list":[1,[1e309]]}]}']) {
    const error = refusalOf(() => parsed(payload));
    t.equal(error.code, 'validation_failed', payload);
    t.match(error.issues, [{ path: 'points[0].payload', message: /up to 1\.797e308/ }]);
  }
  const largest = '{"n":1.7976931348623157e308,"text":"1e400"}';
  t.equal(Buffer.from(parsed(largest).payloads.bytes).toString(), largest.replace('e308', 'e+308'));
});

test('keys that reach a prototype are refused, however they are written', async (t) => {
  for (const key of ['__proto__', '\\u005f_proto__', '\\u005F\\u005fpr\\u006fto__']) {
    const body = `{"points":[{"id":1,"vector":[1,2,3],"payload":{"${key}":{"admin":true}}}]}`;
    t.equal(refusalOf(() => parsePoints(bytesOf(body), L2)).code, 'malformed_json', key);
  }
  const viaConstructor = '{"points":[{"id":1,"vector":[1,2,3],"payload":{"constructor":{"prototype":{}}}}]}';
  t.equal(refusalOf(() => parsePoints(bytesOf(viaConstructor), L2)).code, 'malformed_json');
  const harmless =
    '{"points":[{"id":1,"vector":[1,2,3],"payload":{"text":"__proto__","constructor":"Ford"}}]}';
  t.equal(parsePoints(bytesOf(harmless), L2).count, 1);
});

test('malformed JSON is refused without quoting it', async (t) => {
  for (const body of ['', '{', '{"points":[}', 'secret words', '[1,2', '\u0000']) {
    const error = refusalOf(() => parsePoints(bytesOf(body), L2));
    t.equal(error.code, 'malformed_json', body);
    t.notMatch(error.message, /secret/);
  }
  t.equal(
    refusalOf(() => parsePoints(Uint8Array.of(0x22, 0xff, 0x22), L2)).code,
    'malformed_json',
    'not UTF-8',
  );
});

test('no points, too many points and other shapes are refused', async (t) => {
  const point = { id: 1, vector: [1, 2, 3] };
  for (const body of [
    { points: [] },
    { points: new Array(10_001).fill(point) },
    {},
    [],
    5,
    null,
    { points: {} },
  ]) {
    t.equal(refusalOf(() => parsePoints(bytesOf(body), L2)).code, 'validation_failed');
  }
});

test('at most 16 faults are told, each with its path', async (t) => {
  const points = Array.from({ length: 100 }, (_, id) => ({ id, vector: id === 0 ? [1, 2, 3] : ['x'] }));
  const error = refusalOf(() => parsePoints(bytesOf({ points }), L2));
  t.equal(error.issues.length, 16);
  t.equal(error.issues[3]?.path, 'points[4].vector');
});

test('many points without vectors reserve little memory', async (t) => {
  const points = new Array(10_000).fill({});
  const error = refusalOf(() => parsePoints(bytesOf({ points }), { ...L2, dimension: 4096 }));
  t.equal(error.code, 'validation_failed');
});
