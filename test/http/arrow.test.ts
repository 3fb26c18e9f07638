import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import {
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Int16,
  Int32,
  Table,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import fc from 'fast-check';
import { type Test, test } from 'tap';
import { END_OF_STREAM, encapsulate, vectorRecords, vectorSchema } from '../../src/arrow/write-messages.js';
import { writeFlatBuffer } from '../../src/arrow/write-table.js';
import { fixture } from '../arrow/streams.js';
import { DIMENSION, type ExpectedPoint, randomTables, streamOf } from '../arrow/tables.js';
import { type Service, someVectors, startService } from './service.js';

const ARROW = { 'content-type': 'application/vnd.apache.arrow.stream' };
const INSERT = 'POST /v1/collections/c/points';

async function withCollection(t: Test, environment: Record<string, string> = {}): Promise<Service> {
  const service = await startService(t, environment);
  await service.ask('POST /v1/collections', { name: 'c', dimension: DIMENSION, metric: 'cosine' });
  return service;
}

const count = async ({ ask }: Service) => (await ask('POST /v1/collections/c/points/count', {})).body.count;

/** A record batch of vectors with ids from `firstId` on. */
function batchOf(vectors: number[][], firstId: number): Buffer {
  return Buffer.concat(
    vectorRecords(new Uint8Array(Float32Array.from(vectors.flat()).buffer), DIMENSION, firstId),
  );
}

test('any table is stored, and comes back as it was given', async (t) => {
  const { ask } = await withCollection(t);
  const comesBack = async ({ id, vector, payload }: ExpectedPoint) => {
    const { body } = await ask(`GET /v1/collections/c/points/${encodeURIComponent(id)}?encoding=base64`);
    const base64 = Buffer.from(Float32Array.from(vector).buffer).toString('base64');
    t.same(body, { id, vector: base64, ...(payload !== null && { payload }) });
  };
  await fc.assert(
    fc.asyncProperty(randomTables(12), async ({ bytes, points, batchRows }) => {
      const { status, body } = await ask(INSERT, Buffer.from(bytes), ARROW);
      t.equal(status, 200, JSON.stringify(body));
      t.equal(body.upserted, points.length);
      t.ok(body.sequence >= Math.ceil(points.length / batchRows));
      for (const point of points) await comesBack(point);
    }),
    { numRuns: 30, seed: 5 },
  );
});

test('a stream is stored batch by batch, however long it is, while it comes', async (t) => {
  const service = await withCollection(t);
  const vectors = someVectors(1000, DIMENSION);
  const batches = 30;
  let countAtEnd = 0;
  async function* chunks() {
    yield vectorSchema(DIMENSION);
    for (let batch = 0; batch < batches; batch++) yield batchOf(vectors, batch * 1000);
    while (countAtEnd < (batches - 2) * 1000) {
      await setTimeout(5);
      countAtEnd = await count(service);
    }
    yield END_OF_STREAM;
  }
  const reply = await service.ask(INSERT, Readable.from(chunks()), ARROW);
  t.same(reply.body, { upserted: batches * 1000, sequence: batches });
  t.equal(await count(service), batches * 1000);
});

test('a batch with a bad row ends the stream: nothing of it is stored, what came before it is', async (t) => {
  const service = await withCollection(t);
  const vectors = someVectors(10, DIMENSION);
  const bad = vectors.map((vector, row) => (row === 7 ? [0, 0, 0] : vector));
  const body = Buffer.concat([
    vectorSchema(DIMENSION),
    batchOf(vectors, 0),
    batchOf(bad, 10),
    batchOf(vectors, 20),
  ]);
  const reply = await service.ask(INSERT, body, ARROW);
  t.equal(reply.status, 422);
  t.match(reply.body, {
    code: 'zero_vector',
    upserted: 10,
    sequence: 1,
    errors: [{ path: 'rows[17].vector' }],
  });
  t.equal(await count(service), 10);
  const skipped = await service.ask(`${INSERT}?on_error=skip`, body, ARROW);
  t.equal(skipped.status, 200);
  t.match(skipped.body, { upserted: 29, sequence: 4, rejected: 1, errors: [{ path: 'rows[17].vector' }] });
  t.equal(await count(service), 29);
});

test('columns are named by the query', async (t) => {
  const { ask } = await withCollection(t);
  const call = `${INSERT}?id_column=text&vector_column=nothing` as const;
  t.match((await ask(call, Buffer.from(fixture('everything.arrows')), ARROW)).body, {
    code: 'validation_failed',
    errors: [{ path: 'text', message: 'There is no column of this name' }],
  });
  const named = `${INSERT}?id_column=uint16` as const;
  t.equal((await ask(named, Buffer.from(fixture('everything.arrows')), ARROW)).body.upserted, 6);
  t.match((await ask('GET /v1/collections/c/points/65535')).body, {
    id: 65_535,
    payload: { id: 'é0', word: 'a' },
  });
});

test('what is no stream that can be stored is a 4xx, and stores nothing', async (t) => {
  const service = await withCollection(t, { BODY_BYTES_MAX: '20000' });
  const schema = vectorSchema(DIMENSION);
  const good = batchOf(someVectors(5, DIMENSION), 0);
  const cases: [string, Uint8Array, number, string, RegExp][] = [
    ['nothing', new Uint8Array(), 400, 'validation_failed', /does not fit/],
    ['a schema alone', schema, 400, 'validation_failed', /does not fit/],
    ['JSON', Buffer.from('{"points": []}'), 400, 'malformed_arrow', /does not begin/],
    ['a file', fixture('everything.arrow'), 400, 'malformed_arrow', /is an Arrow file/],
    ['no schema', good, 400, 'malformed_arrow', /not one schema, first/],
    ['a cut batch', Buffer.concat([schema, good.subarray(0, -8)]), 400, 'malformed_arrow', /ends within/],
    ['lz4', fixture('lz4.arrows'), 422, 'not_supported', /compressed with lz4/],
    ['a type', fixture('struct.arrows'), 422, 'not_supported', /Column odd of type struct/],
    [
      'dimension',
      Buffer.concat([vectorSchema(4), ...vectorRecords(new Uint8Array(32), 4, 0)]),
      422,
      'dimension_mismatch',
      /4 numbers/,
    ],
    [
      'a large batch',
      Buffer.concat([schema, batchOf(someVectors(1200, DIMENSION), 0)]),
      400,
      'malformed_arrow',
      /more than 20000; write smaller ones/,
    ],
  ];
  for (const [name, bytes, status, code, detail] of cases) {
    const reply = await service.ask(INSERT, Buffer.from(bytes), ARROW);
    t.match(
      { status: reply.status, ...reply.body },
      { status, code, detail, upserted: 0, sequence: 0 },
      name,
    );
  }
  t.equal(await count(service), 0);
});

test('dictionaries are bounded, and deltas of them refused', async (t) => {
  const service = await withCollection(t);
  const table = (words: string[]) =>
    new Table({
      id: vectorFromArray([...words.keys()], new Int32()),
      vector: vectorFromArray(
        words.map(() => [1, 2, 3]),
        new FixedSizeList(DIMENSION, new Field('item', new Float32(), false)),
      ),
      word: vectorFromArray(words, new Dictionary(new Utf8(), new Int16(), 5)),
    } as never);
  const large = streamOf(table(['a', 'b', 'c'].map((letter) => letter.repeat(3_000_000))), 3);
  t.match((await service.ask(INSERT, Buffer.from(large), ARROW)).body, {
    code: 'malformed_arrow',
    detail: /dictionaries have more than 8388608 bytes/,
  });
  const delta = writeFlatBuffer({
    table: [
      { bytes: 2, value: 4 },
      { bytes: 1, value: 2 },
      { table: [{ bytes: 8, value: 5 }, undefined, { bytes: 1, value: 1 }] },
      { bytes: 8, value: 0 },
    ],
  });
  const reply = await service.ask(
    INSERT,
    Buffer.concat([vectorSchema(DIMENSION), encapsulate(delta)]),
    ARROW,
  );
  t.match(reply.body, { status: 422, code: 'not_supported', detail: /^A delta dictionary/ });
});

test('a stream that falls silent is answered 408 with what was stored', async (t) => {
  const service = await withCollection(t, { REQUEST_TIMEOUT_MS: '200' });
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  const head = `POST /v1/collections/c/points HTTP/1.1\r\nhost: x\r\ncontent-type: ${ARROW['content-type']}`;
  socket.write(`${head}\r\ncontent-length: 100000\r\n\r\n`);
  const vectors = someVectors(4, DIMENSION);
  // The second batch shows that the first is whole: one is parsed while the one before is stored.
  for (const part of [vectorSchema(DIMENSION), batchOf(vectors, 0), batchOf(vectors, 4)]) socket.write(part);
  await once(socket, 'close');
  t.match(answer, /^HTTP\/1\.1 408/);
  t.match(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''), { code: 'body_timeout', upserted: 4, sequence: 1 });
});

test('Arrow is for inserts only', async (t) => {
  const { ask } = await withCollection(t);
  const reply = await ask('POST /v1/collections/c/search', Buffer.from(fixture('sliced.arrows')), ARROW);
  t.match(reply.body, { status: 415, code: 'unsupported_media_type' });
});
