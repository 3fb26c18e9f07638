import { type Table, tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { test } from 'tap';
import { cutRecords, type ReadBody } from '../../src/arrow/cut-records.js';
import { readSchema } from '../../src/arrow/schema.js';
import { END_OF_STREAM, encapsulate, vectorRecords, vectorSchema } from '../../src/arrow/write-messages.js';
import { fixture, messagesOf, parseStream, pointsOf } from './streams.js';
import { DIMENSION, randomTables } from './tables.js';

const SHAPE = { dimension: DIMENSION, metric: 'cosine', precision: 'float32' } as const;

/** The stream again, its record batches cut into pieces of so many rows; `read` sees which bytes were asked for. */
async function cutStream(bytes: Uint8Array, rowsMax: number, onRead: (bytes: number) => void = () => {}) {
  const parts: Uint8Array[] = [];
  const messages = await messagesOf(bytes);
  const fields = readSchema(messages[0]?.metadata as Uint8Array);
  for (const { header, metadata, body } of messages) {
    if (header.kind !== 'records') {
      parts.push(encapsulate(metadata), body);
      continue;
    }
    const read: ReadBody = async (start, end) => {
      onRead(end - start);
      return body.subarray(start, end);
    };
    for (let from = 0; from < header.rows; from += rowsMax) {
      const to = Math.min(header.rows, from + rowsMax);
      parts.push(...(await cutRecords({ fields, metadata, read }, { from, to })));
    }
  }
  return Buffer.concat([...parts, END_OF_STREAM]);
}

test('the official library reads the tables of vectors that are written', async (t) => {
  for (const dimension of [1, 2, 3, 768]) {
    const vectors = Float32Array.from({ length: 5 * dimension }, (_, index) => index / 4);
    const bytes = new Uint8Array(vectors.buffer);
    const table = tableFromIPC(
      Buffer.concat([vectorSchema(dimension), ...vectorRecords(bytes, dimension, 2 ** 40), END_OF_STREAM]),
    );
    t.equal(
      table.schema.toString(),
      `Schema<{ 0: id: Int64, 1: vector: FixedSizeList[${dimension}]<Float32> }>`,
    );
    t.same(
      [...table].map((row) => row.id),
      [0n, 1n, 2n, 3n, 4n].map((row) => row + 2n ** 40n),
    );
    t.same(
      [...table].flatMap((row) => [...row.vector]),
      [...vectors],
    );
  }
});

test('record batches cut anywhere have the rows of the whole, of every type', async (t) => {
  const everything = fixture('everything.arrows');
  const whole = pointsOf(await parseStream(everything, SHAPE));
  for (const rows of [1, 2, 3, 5])
    t.same(pointsOf(await parseStream(await cutStream(everything, rows), SHAPE)), whole);
  await fc.assert(
    fc.asyncProperty(randomTables(40), fc.integer({ min: 1, max: 20 }), async ({ bytes, points }, rows) => {
      t.same(pointsOf(await parseStream(await cutStream(bytes, rows), SHAPE)), points);
    }),
    { numRuns: 50, seed: 3 },
  );
});

test('the official library reads what was cut', async (t) => {
  const bytes = fixture('sliced.arrows');
  const rows = (table: Table) => [...table].map((row) => [row.id, ...row.vector]);
  t.same(rows(tableFromIPC(await cutStream(bytes, 2))), rows(tableFromIPC(bytes)));
});

test('only the bytes of the rows are read', async (t) => {
  const count = 1000;
  const vectors = new Uint8Array(count * 4 * DIMENSION).fill(1);
  const bytes = Buffer.concat([
    vectorSchema(DIMENSION),
    ...vectorRecords(vectors, DIMENSION, 0),
    END_OF_STREAM,
  ]);
  const reads: number[] = [];
  await cutStream(bytes, 10, (read) => reads.push(read));
  t.equal(Math.max(...reads), 10 * 4 * DIMENSION);
  t.equal(
    reads.reduce((sum, read) => sum + read),
    count * (8 + 4 * DIMENSION),
  );
});
