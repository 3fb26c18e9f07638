import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { type Test, test } from 'tap';
import { END_OF_STREAM, vectorRecords, vectorSchema } from '../../src/arrow/write-messages.js';
import { fixture } from '../arrow/streams.js';
import { DIMENSION, type ExpectedPoint, randomTables } from '../arrow/tables.js';
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
  const onlyIn = async ({ id, vector, payload }: ExpectedPoint) => {
    const { body } = await ask(`GET /v1/collections/c/points/${encodeURIComponent(id)}`);
    // Vectors are written with as many digits as tell float32 numbers apart.
    const got = { ...body, vector: [...Float32Array.from(body.vector)] };
    t.same(got, { id, vector, ...(payload !== null && { payload }) });
  };
  await fc.assert(
    fc.asyncProperty(randomTables(12), async ({ bytes, points, batchRows }) => {
      const { status, body } = await ask(INSERT, Buffer.from(bytes), ARROW);
      t.equal(status, 200, JSON.stringify(body));
      t.equal(body.upserted, points.length);
      t.ok(body.sequence >= Math.ceil(points.length / batchRows));
      for (const point of points) await onlyIn(point);
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
  const fourNumbers = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
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
      Buffer.concat([vectorSchema(4), ...vectorRecords(fourNumbers, 4, 0)]),
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
  const bytes = Buffer.from(fixture('everything.arrows'));
  t.equal((await service.ask(INSERT, bytes, ARROW)).status, 200);
  // The metadata of a dictionary batch, said to have 16 MiB.
  const at = bytes.indexOf(Buffer.from([0xff, 0xff, 0xff, 0xff]), 8);
  const metadataBytes = bytes.readUInt32LE(at + 4);
  const bodyBytes = 10 * 1024 * 1024;
  const metadata = Buffer.from(bytes.subarray(at, at + 8 + metadataBytes));
  const claimed = Buffer.from(metadata);
  for (let place = 8; place + 8 <= claimed.length; place += 4) {
    if (claimed.readBigUInt64LE(place) === 16n) claimed.writeBigUInt64LE(BigInt(bodyBytes), place);
  }
  const large = Buffer.concat([bytes.subarray(0, at), claimed, Buffer.alloc(bodyBytes)]);
  const reply = await service.ask(INSERT, large, ARROW);
  t.match(reply.body, { code: 'malformed_arrow', upserted: 0 });
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
