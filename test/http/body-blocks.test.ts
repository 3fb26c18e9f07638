import { Readable } from 'node:stream';
import { test } from 'tap';
import { readBlocks } from '../../src/http/body-blocks.js';

const MIB = 1024 * 1024;
const timeoutMs = 60_000;

/** Chunks as a socket gives them. */
function bodyOf(bytes: Uint8Array, chunkBytes: number): Readable {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    chunks.push(Buffer.from(bytes.subarray(at, at + chunkBytes)));
  return Readable.from(chunks, { objectMode: false });
}

test('blocks hold the body in order, each with a buffer to itself', async (t) => {
  for (const [length, chunkBytes] of [
    [1, 1],
    [1000, 7],
    [MIB, 65_536],
    [2 * MIB + 5, 65_521],
    [3 * MIB, 2 * MIB],
  ] as const) {
    const bytes = Uint8Array.from({ length }, (_, index) => index % 251);
    for (const bytesExpected of [length, Number.NaN]) {
      const blocks = await readBlocks(bodyOf(bytes, chunkBytes), {
        bytesMax: length,
        bytesExpected,
        timeoutMs,
      });
      t.equal(Buffer.compare(Buffer.concat(blocks), bytes), 0, `${length} bytes`);
      t.equal(blocks.length, Math.ceil(length / MIB));
      t.equal(new Set(blocks.map((block) => block.buffer)).size, blocks.length);
    }
  }
  t.same(await readBlocks(Readable.from([]), { bytesMax: 10, bytesExpected: 0, timeoutMs }), []);
});

test('a body over the limit is refused, and its rest is read and thrown away', async (t) => {
  for (const bytesExpected of [5000, Number.NaN]) {
    const body = bodyOf(new Uint8Array(5000), 10);
    await t.rejects(readBlocks(body, { bytesMax: 4999, bytesExpected, timeoutMs }), {
      code: 'body_too_large',
    });
    await new Promise((resolve) => body.once('end', resolve));
  }
});

test('the failure of a body goes on to its reader', async (t) => {
  const body = new Readable({ read() {} });
  body.push(Buffer.alloc(10));
  const reading = readBlocks(body, { bytesMax: 100, bytesExpected: 20, timeoutMs });
  setImmediate(() => body.destroy(new Error('the client left')));
  await t.rejects(reading, { message: 'the client left' });
});
