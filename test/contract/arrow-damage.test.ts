// Bytes that lie: whatever they say, the answer is points or a refusal, soon and in little memory.
import { test } from 'tap';
import { END_OF_STREAM, records, vectorSchema } from '../../src/arrow/write-messages.js';
import { writeFlatBuffer } from '../../src/arrow/write-table.js';
import type { ArrowBatch } from '../../src/contract/arrow-points.js';
import { ServiceError } from '../../src/errors.js';
import { STATUS_CODES } from '../../src/http/status-codes.js';
import { fixture, messagesOf, parseStream } from '../arrow/streams.js';

const SHAPE = { dimension: 3, metric: 'cosine', precision: 'float32' } as const;
const RUNS = 4000;
const MEBIBYTE = 1024 * 1024;

/** A repeatable series of numbers below `limit`. */
function series(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** The code of the refusal, or `stored`; anything that is no refusal of the sender is thrown. */
async function outcomeOf(bytes: Uint8Array, onError: ArrowBatch['onError']): Promise<string> {
  try {
    await parseStream(bytes, SHAPE, { onError });
    return 'stored';
  } catch (error) {
    if (!(error instanceof ServiceError) || STATUS_CODES[error.code] >= 500) throw error;
    return error.code;
  }
}

test('flipped bits and overwritten words are found, or harmless', async (t) => {
  const next = series(7);
  const seen = new Map<string, number>();
  const heapBefore = process.memoryUsage().rss;
  for (let run = 0; run < RUNS; run += 1) {
    const bytes = Buffer.from(fixture(run % 2 === 0 ? 'everything.arrows' : 'lists.arrows'));
    for (let flips = next(3); flips >= 0; flips -= 1) {
      const at = next(bytes.length - 4);
      if (next(2) === 0) bytes[at] = (bytes[at] as number) ^ (1 << next(8));
      else bytes.writeInt32LE([-1, 0, 0x7fff_ffff, -0x8000_0000, 1 << next(31)][next(5)] as number, at);
    }
    const startedMs = performance.now();
    const outcome = await outcomeOf(bytes, run % 3 === 0 ? 'skip' : 'stop');
    if (performance.now() - startedMs > 5000) t.fail(`run ${run} takes too long`);
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  t.ok((seen.get('stored') ?? 0) > 0 && (seen.get('malformed_arrow') ?? 0) > 0, JSON.stringify([...seen]));
  t.ok(process.memoryUsage().rss - heapBefore < 300 * MEBIBYTE, 'little memory');
});

test('a stream cut anywhere is refused or ends early', async (t) => {
  const whole = fixture('everything.arrows');
  for (let length = 0; length < whole.length; length += 13) {
    t.match(
      await outcomeOf(whole.subarray(0, length), 'stop'),
      /^(stored|malformed_arrow)$/,
      `${length} bytes`,
    );
  }
});

test('a list of more nulls than memory has is refused by its text', async (t) => {
  const int = (bytes: 1 | 2 | 4 | 8, value: number) => ({ bytes, value });
  const field = (name: string, typeNumber: number, type: object[], children: object[] = []) => ({
    table: [{ text: name }, int(1, 1), int(1, typeNumber), { table: type }, undefined, { tables: children }],
  });
  const schema = writeFlatBuffer({
    table: [
      int(2, 4),
      int(1, 1),
      {
        table: [
          int(2, 0),
          {
            tables: [
              field('id', 2, [int(4, 64), int(1, 1)]),
              field('vector', 16, [int(4, 3)], [field('item', 3, [int(2, 1)])]),
              field('bomb', 12, [], [field('item', 12, [], [field('item', 1, [])])]),
            ],
          },
        ],
      },
      int(8, 0),
    ],
  } as never);
  t.not(schema.length, vectorSchema(3).length);
  const nulls = 0x7fff_ffff;
  const nothing = new Uint8Array();
  const inner = new Uint8Array(Int32Array.of(0, nulls).buffer);
  const batch = records({
    rows: 1,
    nodes: [1, 1, 3, 1, 1, nulls].map((length) => ({ length, nulls: 0 })),
    buffers: [
      nothing,
      new Uint8Array(8),
      nothing,
      nothing,
      new Uint8Array(Float32Array.of(1, 2, 3).buffer),
      nothing,
      new Uint8Array(Int32Array.of(0, 1).buffer),
      nothing,
      inner,
    ],
    variadic: [],
  });
  const prefix = Buffer.alloc(8, 0xff);
  prefix.writeUInt32LE(schema.length, 4);
  const bytes = Buffer.concat([prefix, schema, ...batch, END_OF_STREAM]);
  t.equal((await messagesOf(bytes)).length, 2);
  await t.rejects(parseStream(bytes, SHAPE), {
    code: 'validation_failed',
    issues: [{ path: 'rows[0].payload.bomb', message: /too long/ }],
  });
});
