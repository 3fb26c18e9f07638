import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import t from 'tap';
import { DIMENSION_MAX, SEGMENT_BYTES_MAX } from '../../src/limits.js';
import { mapFile } from '../../src/storage/mapped-file.js';
import { SegmentWriter, writeRowsSync } from '../../src/storage/segment.js';
import { segmentBytes, segmentCapacityRows } from '../../src/storage/segment-header.js';
import { loadSegment } from '../../src/storage/segment-loading.js';
import { checksumOf, checksumOfU32 } from '../../src/storage/short-checksum.js';
import { VectorReader } from '../../src/storage/vectors.js';
import { bytesOf, codeOf, numbersOf, temporaryDirectory, vectorOfRow, vectorsOfRows } from './fixtures.js';

const float32 = (dimension: number) => ({ dimension, precision: 'float32' }) as const;

t.test('a whole file of any dimension can be mapped', async (t) => {
  for (const dimension of [2, 3, 100, 768, 1537, DIMENSION_MAX]) {
    for (const precision of ['float32', 'float16', 'int8'] as const) {
      const rows = segmentCapacityRows({ dimension, precision });
      t.ok(segmentBytes({ dimension, precision }, rows) <= SEGMENT_BYTES_MAX);
      t.ok(segmentBytes({ dimension, precision }, rows + 1) > SEGMENT_BYTES_MAX);
    }
  }
  const path = join(temporaryDirectory(t), '0.vec');
  const writer = await SegmentWriter.create(path, { ...float32(3), firstRow: 0 });
  await writer.write(0, bytesOf(vectorOfRow(0, 3)));
  await writer.close();
  const map = mapFile(path, { byteLength: SEGMENT_BYTES_MAX, validBytes: 4096 + 12, random: false });
  t.equal(map.byteLength, SEGMENT_BYTES_MAX);
  t.same([...new Float32Array(map.buffer, 4096, 3)], [...vectorOfRow(0, 3)]);
});

t.test(
  'rows written by a blocking thread and by the writer are read alike, from the map and from memory',
  async (t) => {
    const path = join(temporaryDirectory(t), '7.vec');
    const writer = await SegmentWriter.create(path, { ...float32(7), firstRow: 100, capacityRows: 6 });
    const fd = openSync(path, 'r+');
    writeRowsSync(fd, writer.shape, 3, bytesOf(vectorsOfRows(103, 3, 7)));
    closeSync(fd);
    await writer.write(0, bytesOf(vectorsOfRows(100, 3, 7)));
    await writer.sync();
    await writer.close();
    const segment = { path, firstRow: 100, rows: 6 };
    const buffer = await loadSegment(path, 6);
    for (const segments of [[segment], [{ ...segment, buffer }]]) {
      const reader = new VectorReader({ ...float32(7), segments });
      const rows = new Uint8Array(6 * 7 * 4);
      reader.copyRange(100, 6, rows);
      t.same(numbersOf(rows), [...vectorsOfRows(100, 6, 7)]);
      reader.validate(106);
      for (const row of [99, 106, -1, 100.5, Number.NaN]) t.throws(() => reader.get(row), RangeError);
      t.throws(() => reader.copyRange(100, 6, new Uint8Array(167)), RangeError);
    }
    t.equal(await codeOf(() => loadSegment(path, 7)), 'storage_corrupt');
    t.equal(
      await codeOf(() => new VectorReader({ ...float32(8), segments: [segment] }).validate(0)),
      'storage_corrupt',
    );
  },
);

t.test('rows outside of a file and parts of rows are refused', async (t) => {
  const path = join(temporaryDirectory(t), '0.vec');
  const writer = await SegmentWriter.create(path, { ...float32(2), firstRow: 0, capacityRows: 4 });
  t.teardown(() => writer.close());
  await t.rejects(writer.write(4, new Uint8Array(8)));
  await t.rejects(writer.write(-1, new Uint8Array(8)));
  await t.rejects(writer.write(0, new Uint8Array(7)));
  await t.rejects(SegmentWriter.create(path, { ...float32(2), firstRow: 0 }), { code: 'EEXIST' });
  await t.rejects(SegmentWriter.create(`${path}2`, { ...float32(5000), firstRow: 0 }), RangeError);
  await t.rejects(
    SegmentWriter.create(`${path}2`, { ...float32(2), firstRow: 0, capacityRows: 2 ** 28 }),
    RangeError,
  );
});

t.test('a file that is none is refused', async (t) => {
  const path = join(temporaryDirectory(t), '0.vec');
  for (const content of ['', 'x', 'x'.repeat(5000)]) {
    writeFileSync(path, content);
    t.equal(await codeOf(() => SegmentWriter.open(path)), 'storage_corrupt');
  }
  t.equal(
    await codeOf(() => mapFile(`${path}x`, { byteLength: 1, validBytes: 0, random: true })),
    'storage_corrupt',
  );
});

t.test('the checksum of short pieces is the same crc32c', (t) => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => (index * 77) & 0xff);
  for (const end of [0, 1, 2, 17, 191, 192, 300]) {
    t.equal(checksumOf(bytes, 0, end), crc32c(bytes.subarray(0, end)));
    t.equal(
      checksumOf(bytes, end >> 1, end, 0xdead_beef),
      crc32c(bytes.subarray(end >> 1, end), 0xdead_beef),
    );
  }
  t.equal(checksumOfU32(0x8765_4321), crc32c(Uint8Array.of(0x21, 0x43, 0x65, 0x87)));
  t.end();
});
