import { test } from 'tap';
import { readMessages } from '../../src/arrow/read-messages.js';
import { END_OF_STREAM, vectorRecords, vectorSchema } from '../../src/arrow/write-messages.js';
import { fixture, inPieces, messagesOf } from './streams.js';

const VECTORS = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const STREAM = Buffer.concat([vectorSchema(3), ...vectorRecords(VECTORS, 3, 0), END_OF_STREAM]);
const malformed = (reason: RegExp) => ({ code: 'malformed_arrow', message: reason });

test('messages are read from pieces of any size, each body on a buffer of its own', async (t) => {
  for (const size of [1, 7, 64, 100_000]) {
    const messages = await messagesOf(fixture('everything.arrows'), 10_000, size);
    t.same(
      messages.map(({ header }) => header),
      [
        { kind: 'schema' },
        { kind: 'dictionary', id: 0, isDelta: false },
        { kind: 'records', rows: 4 },
        { kind: 'records', rows: 2 },
      ],
      `pieces of ${size}`,
    );
    t.ok(messages.every(({ body }) => body.byteLength === body.buffer.byteLength));
  }
});

test('a stream may end without its mark, but not within a message', async (t) => {
  const ends = STREAM.length - END_OF_STREAM.length;
  t.equal((await messagesOf(STREAM.subarray(0, ends))).length, 2);
  const schemaEnds = vectorSchema(3).length;
  for (let length = 1; length < STREAM.length; length += 1) {
    if (length === ends || length === schemaEnds) continue;
    await t.rejects(
      messagesOf(STREAM.subarray(0, length)),
      malformed(/ends within a message/),
      `${length} bytes`,
    );
  }
});

test('what is no stream is told apart', async (t) => {
  await t.rejects(messagesOf(fixture('everything.arrow')), malformed(/is an Arrow file/));
  await t.rejects(messagesOf(Buffer.from('{"points":[]}')), malformed(/does not begin with ffffffff/));
  await t.rejects(messagesOf(Buffer.concat([STREAM, STREAM])), malformed(/bytes follow/));
  t.same(await messagesOf(new Uint8Array()), []);
});

test('a file is read where it may be one, without its footer', async (t) => {
  const limits = { bodyBytesMax: 10_000, isFileAllowed: true };
  const kinds: string[] = [];
  for await (const { header } of readMessages(inPieces(fixture('everything.arrow'), 100), limits))
    kinds.push(header.kind);
  t.same(kinds, ['schema', 'dictionary', 'records', 'records']);
});

test('claimed lengths are compared with the limits before room is made', async (t) => {
  const prefix = (bytes: number) => {
    const start = Buffer.from(STREAM.subarray(0, 8));
    start.writeUInt32LE(bytes, 4);
    return start;
  };
  await t.rejects(
    messagesOf(prefix(0xffff_ff00)),
    malformed(/metadata of a message has more than 1048576 bytes/),
  );
  const before = process.memoryUsage().arrayBuffers;
  const body = vectorRecords(new Uint8Array(30_000), 3, 0);
  await t.rejects(
    messagesOf(Buffer.concat([vectorSchema(3), ...body]), 40_000),
    malformed(/record batch has 5\d{4} bytes, more than 40000; write smaller ones/),
  );
  t.ok(process.memoryUsage().arrayBuffers - before < 10 * 1024 * 1024);
});
