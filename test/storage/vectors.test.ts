import { join } from 'node:path';
import t from 'tap';
import { rowBytes, storeVector } from '../../src/contract/stored-vector.js';
import { SegmentWriter } from '../../src/storage/segment.js';
import { loadSegment } from '../../src/storage/segment-loading.js';
import { type SegmentDescriptor, VectorReader } from '../../src/storage/vectors.js';
import { temporaryDirectory, vectorOfRow } from './fixtures.js';

const DIMENSION = 300;
const SEGMENT_ROWS = [40, 25, 60];

for (const precision of ['float32', 'float16', 'int8'] as const) {
  const shape = { dimension: DIMENSION, precision };
  const stride = rowBytes(shape);
  const stored = (row: number): Uint8Array => {
    const bytes = new Uint8Array(stride);
    storeVector(vectorOfRow(row, DIMENSION), precision, bytes, 0);
    return bytes;
  };

  t.test(`${precision}: listed rows reach the sink in batches, over the ends of files`, async (t) => {
    const directory = temporaryDirectory(t);
    const mapped: SegmentDescriptor[] = [];
    let firstRow = 7;
    for (const rows of SEGMENT_ROWS) {
      const path = join(directory, `${firstRow}.vec`);
      const writer = await SegmentWriter.create(path, { ...shape, firstRow, capacityRows: rows });
      for (let i = 0; i < rows; i++) await writer.write(i, stored(firstRow + i));
      await writer.close();
      mapped.push({ path, firstRow, rows });
      firstRow += rows;
    }
    const loaded: SegmentDescriptor[] = [];
    for (const segment of mapped)
      loaded.push({ ...segment, buffer: await loadSegment(segment.path, segment.rows) });

    const all = Uint32Array.from({ length: 125 }, (_, i) => i + 107);
    const lists = [all, all.filter((number) => number % 9 === 0), all.subarray(3, 4), all.subarray(0, 0)];
    for (const segments of [mapped, loaded]) {
      const reader = new VectorReader({ ...shape, segments });
      // Again and again: a new reader asks for pages ahead, later ones do not.
      for (const numbers of [...lists, ...lists]) {
        const target = new Uint8Array(16 * stride);
        const seen: number[] = [];
        reader.copyListed(
          { numbers, first: 0, end: numbers.length, shift: -100 },
          {
            target,
            batchRows: 16,
            take(first, count) {
              t.equal(first, seen.length);
              for (let i = 0; i < count; i++) {
                const row = (numbers[first + i] as number) - 100;
                seen.push(row);
                if (Buffer.compare(target.subarray(i * stride, (i + 1) * stride), stored(row)) !== 0)
                  t.fail(`row ${row}`);
              }
            },
          },
        );
        t.same(
          seen,
          [...numbers].map((number) => number - 100),
        );
      }
      const beyond = { numbers: Uint32Array.of(130, 132), first: 0, end: 2, shift: 0 };
      const sink = { target: new Uint8Array(2 * stride), batchRows: 2, take: () => t.fail('taken') };
      t.throws(() => reader.copyListed(beyond, sink), RangeError);
    }
  });
}

t.test('a scan over a large file reads every row, wherever it begins', async (t) => {
  const path = join(temporaryDirectory(t), '0.vec');
  const shape = { dimension: 1024, precision: 'float32' } as const;
  const writer = await SegmentWriter.create(path, { ...shape, firstRow: 0, capacityRows: 2000 });
  const rows = new Uint8Array(2000 * 4096);
  for (let row = 0; row < 2000; row++) rows[row * 4096 + 5] = row % 251;
  await writer.write(0, rows);
  await writer.close();
  const reader = new VectorReader({ ...shape, segments: [{ path, firstRow: 0, rows: 2000 }] });
  const target = new Uint8Array(64 * 4096);
  for (const first of [0, 1500, 10]) {
    for (let row = first; row < 2000; row += 64) {
      const count = Math.min(64, 2000 - row);
      reader.copyRange(row, count, target);
      for (let i = 0; i < count; i++) if (target[i * 4096 + 5] !== (row + i) % 251) t.fail(`row ${row + i}`);
    }
  }
  t.pass();
});
