import t from 'tap';
import { payloadAt } from '../../src/contract/payload-column.js';
import { parsePoints } from '../../src/contract/point-batch.js';
import { IngestPool } from '../../src/workers/ingest-pool.js';

const SHAPE = { dimension: 2, metric: 'cosine', precision: 'float32' } as const;
const BODY = {
  points: [
    { id: 'a', vector: [1, 2], payload: { word: 'tree' } },
    { id: 7, vector: [3, 4] },
  ],
};

/** The text cut into blocks of `size` bytes, each with a buffer to itself. */
function blocksOf(value: unknown, size: number): Uint8Array[] {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) blocks.push(Uint8Array.from(bytes.subarray(at, at + size)));
  return blocks;
}

t.test('a worker parses what the main thread would, and takes the body over', async (t) => {
  const pool = new IngestPool((error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const expected = parsePoints(Buffer.from(JSON.stringify(BODY)), SHAPE);
  for (const size of [5, 1000]) {
    const blocks = blocksOf(BODY, size);
    const batch = await pool.parsePoints(blocks, SHAPE);
    t.same(batch, expected);
    t.equal(Buffer.from(payloadAt(batch.payloads, 0) as Uint8Array).toString(), '{"word":"tree"}');
    t.ok(
      blocks.every((block) => block.buffer.byteLength === 0),
      'no copy is left behind',
    );
  }
  const lines = `${BODY.points.map((point) => JSON.stringify(point)).join('\n')}\n{"id":1}\n`;
  const [block] = blocksOf(lines, 1000);
  t.match(await pool.parsePointLines(block as Uint8Array, 1, SHAPE), {
    batch: expected,
    accepted: 2,
    rejected: 1,
  });
  const searches = await pool.parseSearches(blocksOf({ searches: [{ vector: [1, 2] }, { id: 7, k: 3 }] }, 9));
  t.match(searches, [
    { vector: Float32Array.of(1, 2), k: 10 },
    { id: 7, k: 3 },
  ]);
});

t.test('refusals keep their codes on the way', async (t) => {
  const pool = new IngestPool((error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const bad = { points: [...BODY.points, { id: 'c', vector: [1e16, 0] }] };
  await t.rejects(pool.parsePoints(blocksOf(bad, 1000), SHAPE), {
    code: 'vector_out_of_range',
    issues: [{ path: 'points[2].vector' }],
  });
  await t.rejects(pool.parsePoints(blocksOf('{', 1), SHAPE), { code: 'malformed_json' });
  await t.rejects(pool.parseSearches(blocksOf('[]', 1)), { code: 'validation_failed' });
  t.equal(pool.queueSize, 0);
});
