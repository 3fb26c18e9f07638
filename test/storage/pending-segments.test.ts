import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { ROWS_MAX } from '../../src/limits.js';
import { PendingSegments, type PendingSegmentsOptions } from '../../src/storage/pending-segments.js';
import { type SegmentFile, SegmentWriter } from '../../src/storage/segment.js';
import { VectorReader } from '../../src/storage/vectors.js';
import {
  bytesOf,
  codeOf,
  flipBit,
  numbersOf,
  temporaryDirectory,
  vectorOfRow,
  vectorsOfRows,
} from './fixtures.js';

const DIMENSION = 5;
const ROWS = { dimension: DIMENSION, precision: 'float32' } as const;

function options(directory: string, changes: Partial<PendingSegmentsOptions> = {}): PendingSegmentsOptions {
  return {
    directory,
    rows: ROWS,
    rowBase: 0,
    rowEnd: 0,
    backend: 'mmap',
    segmentRows: 8,
    ...changes,
  };
}

async function appendRows(pending: PendingSegments, count: number): Promise<number> {
  const firstRow = await pending.append(bytesOf(vectorsOfRows(pending.nextRow, count, DIMENSION)));
  await pending.sync();
  return firstRow;
}

function sameRows(t: Test, pending: PendingSegments, first: number, end: number): void {
  const reader = new VectorReader(pending.descriptor());
  for (let row = first; row < end; row++)
    t.same(numbersOf(reader.get(row)), [...vectorOfRow(row, DIMENSION)]);
  const range = new Uint8Array((end - first) * DIMENSION * 4);
  reader.copyRange(first, end - first, range);
  t.same(numbersOf(range), [...vectorsOfRows(first, end - first, DIMENSION)]);
  reader.validate(end);
  t.throws(() => reader.get(end), RangeError);
  t.throws(() => reader.copyRange(first, end - first + 1, new Uint8Array(4000)), RangeError);
}

for (const backend of ['mmap', 'memory'] as const) {
  t.test(`${backend}: rows grow past a file's capacity and are there after reopening`, async (t) => {
    const directory = temporaryDirectory(t);
    let pending = await PendingSegments.open(options(directory, { backend }));
    t.same(pending.descriptor().segments, []);
    t.equal(await appendRows(pending, 3), 0);
    t.equal(await appendRows(pending, 20), 3);
    t.same(readdirSync(directory).sort(), ['0000000000.vec', '0000000008.vec', '0000000016.vec']);
    sameRows(t, pending, 0, 23);
    t.equal(pending.memoryBytes, backend === 'memory' ? 23 * DIMENSION * 4 : 0);
    await pending.close();
    pending = await PendingSegments.open(options(directory, { backend, rowEnd: 23 }));
    t.equal(await appendRows(pending, 2), 23);
    sameRows(t, pending, 0, 25);
    await pending.close();
  });

  t.test(
    `${backend}: a descriptor given out before shows rows when they are durable, also after a roll`,
    async (t) => {
      const pending = await PendingSegments.open(options(temporaryDirectory(t), { backend }));
      t.teardown(() => pending.close());
      await appendRows(pending, 1);
      const reader = new VectorReader(pending.descriptor());
      await pending.append(bytesOf(vectorsOfRows(1, 2, DIMENSION)));
      t.throws(() => reader.get(1), RangeError, 'not before the sync');
      await pending.sync();
      t.same(numbersOf(reader.get(2)), [...vectorOfRow(2, DIMENSION)]);
      await pending.roll();
      await appendRows(pending, 2);
      t.throws(() => reader.get(3), RangeError, 'row 3 is in another file');
      sameRows(t, pending, 0, 5);
    },
  );

  t.test(`${backend}: rows of a failed commit are taken back and written over`, async (t) => {
    const directory = temporaryDirectory(t);
    const pending = await PendingSegments.open(options(directory, { backend }));
    t.teardown(() => pending.close());
    await appendRows(pending, 6);
    await pending.append(new Uint8Array(20 * DIMENSION * 4).fill(99));
    await pending.sync();
    await pending.rewind(6);
    t.equal(pending.nextRow, 6);
    t.throws(() => new VectorReader(pending.descriptor()).get(6), RangeError);
    t.same(readdirSync(directory), ['0000000000.vec']);
    t.equal(await appendRows(pending, 12), 6);
    sameRows(t, pending, 0, 18);
  });

  t.test(`${backend}: files below the row base are dropped, also by the next start`, async (t) => {
    const directory = temporaryDirectory(t);
    const pending = await PendingSegments.open(options(directory, { backend }));
    await appendRows(pending, 11);
    await pending.roll();
    await pending.roll();
    const old = new VectorReader(pending.descriptor());
    t.same(numbersOf(old.get(2)), [...vectorOfRow(2, DIMENSION)]);
    await appendRows(pending, 3);
    await pending.dropBefore(10);
    t.same(readdirSync(directory).sort(), ['0000000008.vec', '0000000011.vec']);
    await pending.dropBefore(11);
    t.same(readdirSync(directory), ['0000000011.vec']);
    sameRows(t, pending, 11, 14);
    t.same(numbersOf(old.get(2)), [...vectorOfRow(2, DIMENSION)], 'an open map outlives its file');
    await appendRows(pending, 8);
    await pending.close();
    await (await PendingSegments.open(options(directory, { backend, rowBase: 20, rowEnd: 22 }))).close();
    t.same(readdirSync(directory), ['0000000019.vec']);
    const empty = await PendingSegments.open(options(directory, { backend, rowBase: 22, rowEnd: 22 }));
    t.same(readdirSync(directory), []);
    t.equal(await appendRows(empty, 1), 22);
    await empty.dropBefore(23);
    t.equal(await appendRows(empty, 1), 23);
    sameRows(t, empty, 23, 24);
    await empty.close();
  });
}

t.test('vectors move into memory and back, and the same rows are read', async (t) => {
  const pending = await PendingSegments.open(options(temporaryDirectory(t)));
  t.teardown(() => pending.close());
  await appendRows(pending, 10);
  const mapped = new VectorReader(pending.descriptor());
  await pending.setBackend('memory');
  t.equal(pending.backend, 'memory');
  t.equal(pending.memoryBytes, 10 * DIMENSION * 4);
  await appendRows(pending, 9);
  sameRows(t, pending, 0, 19);
  await pending.setBackend('mmap');
  t.equal(pending.memoryBytes, 0);
  sameRows(t, pending, 0, 19);
  t.same(numbersOf(mapped.get(15)), [...vectorOfRow(15, DIMENSION)]);
});

t.test('overlapping appends get rows one behind the other', async (t) => {
  const pending = await PendingSegments.open(options(temporaryDirectory(t)));
  t.teardown(() => pending.close());
  const firstRows = await Promise.all(
    [4, 5, 6].map((count) => pending.append(new Uint8Array(count * DIMENSION * 4))),
  );
  t.same(firstRows, [0, 4, 9]);
});

t.test('a start removes what a crash left and refuses what is damaged', async (t) => {
  const directory = temporaryDirectory(t);
  const pending = await PendingSegments.open(options(directory));
  await appendRows(pending, 20);
  await pending.close();
  writeFileSync(join(directory, '0000000017.vec'), 'torn');
  const open = (changes: Partial<PendingSegmentsOptions>) => async () =>
    (await PendingSegments.open(options(directory, changes))).close();
  t.equal(await codeOf(open({ rowEnd: 21 })), 'storage_corrupt', 'a row is missing behind a torn file');
  t.equal(await codeOf(open({ rowEnd: 17 })), 'none');
  t.same(readdirSync(directory).sort(), ['0000000000.vec', '0000000008.vec', '0000000016.vec']);
  t.equal(await codeOf(open({ rowEnd: 21 })), 'storage_corrupt', 'the last file is too short');
  t.equal(
    await codeOf(open({ rowEnd: 20, rows: { ...ROWS, dimension: 4 } })),
    'storage_corrupt',
    'another dimension',
  );
  const halves = { ...ROWS, precision: 'float16' } as const;
  t.equal(await codeOf(open({ rowEnd: 20, rows: halves })), 'storage_corrupt', 'another precision');
  for (const byte of [0, 8, 12, 16, 20, 24, 28]) {
    flipBit(join(directory, '0000000008.vec'), byte);
    t.equal(await codeOf(open({ rowEnd: 20 })), 'storage_corrupt', `header byte ${byte}`);
    flipBit(join(directory, '0000000008.vec'), byte);
  }
  t.equal(await codeOf(open({ rowEnd: 20 })), 'none');
  truncateSync(join(directory, '0000000008.vec'), 4096 + 7 * DIMENSION * 4);
  t.equal(await codeOf(open({ rowEnd: 20 })), 'storage_corrupt', 'cut off');
  truncateSync(join(directory, '0000000000.vec'), 0);
  t.equal(await codeOf(open({ rowEnd: 8 })), 'storage_corrupt', 'emptied');
});

t.test('a reader refuses a file that was cut off instead of touching it', async (t) => {
  const directory = temporaryDirectory(t);
  const pending = await PendingSegments.open(options(directory));
  t.teardown(() => pending.close());
  await appendRows(pending, 5);
  const reader = new VectorReader(pending.descriptor());
  truncateSync(join(directory, '0000000000.vec'), 4096 + 20);
  t.equal(await codeOf(() => reader.get(0)), 'storage_corrupt');
  t.equal(await codeOf(() => reader.validate(5)), 'storage_corrupt');
});

/** Segment files of which one operation can be made to fail. */
function failingFiles(fault: { write?: string; sync?: string }) {
  const wrap = (file: SegmentFile): SegmentFile => {
    const fail = (code: string | undefined) => {
      if (code !== undefined) throw Object.assign(new Error(`${code}: injected`), { code });
    };
    return {
      shape: file.shape,
      async write(rowIndex, bytes) {
        // Half of it arrives, as on a disk that gets full.
        await file.write(rowIndex, fault.write === undefined ? bytes : bytes.subarray(0, DIMENSION * 4));
        fail(fault.write);
      },
      async sync() {
        fail(fault.sync);
        await file.sync();
      },
      close: () => file.close(),
    };
  };
  return {
    create: async (path: string, shape: SegmentFile['shape']) =>
      wrap(await SegmentWriter.create(path, shape)),
    open: async (path: string) => wrap(await SegmentWriter.open(path)),
  };
}

t.test('a full disk refuses rows and takes them again when there is room', async (t) => {
  const fault: { write?: string } = {};
  const files = failingFiles(fault) as NonNullable<PendingSegmentsOptions['files']>;
  const pending = await PendingSegments.open(options(temporaryDirectory(t), { files }));
  t.teardown(() => pending.close());
  await appendRows(pending, 7);
  fault.write = 'ENOSPC';
  t.equal(await codeOf(() => pending.append(new Uint8Array(9 * DIMENSION * 4).fill(1))), 'disk_full');
  t.equal(pending.nextRow, 7);
  delete fault.write;
  t.equal(await appendRows(pending, 9), 7);
  sameRows(t, pending, 0, 16);
});

t.test('after a failed flush or a failed write nothing is written any more', async (t) => {
  for (const operation of ['write', 'sync'] as const) {
    const fault: { write?: string; sync?: string } = {};
    const files = failingFiles(fault) as NonNullable<PendingSegmentsOptions['files']>;
    const pending = await PendingSegments.open(options(temporaryDirectory(t), { files }));
    await appendRows(pending, 2);
    fault[operation] = 'EIO';
    t.equal(await codeOf(() => appendRows(pending, 1)), 'writes_stopped');
    delete fault[operation];
    t.equal(await codeOf(() => appendRows(pending, 1)), 'writes_stopped');
    t.equal(await codeOf(() => pending.sync()), 'writes_stopped');
    const reader = new VectorReader(pending.descriptor());
    t.same(numbersOf(reader.get(1)), [...vectorOfRow(1, DIMENSION)], 'reading goes on');
    t.throws(() => reader.get(2), RangeError);
    await pending.close();
  }
});

const WORKER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { VectorReader } = await import(workerData.module);
  const reader = new VectorReader(workerData.descriptor);
  parentPort.on('message', (row) => {
    try { parentPort.postMessage([...new Float32Array(reader.get(row).slice().buffer)]); } catch (error) { parentPort.postMessage(error.name); }
  });
`;

for (const backend of ['mmap', 'memory'] as const) {
  t.test(`${backend}: a worker reads rows through one descriptor while the file grows`, async (t) => {
    const pending = await PendingSegments.open(
      options(temporaryDirectory(t), { backend, segmentRows: 5000 }),
    );
    await appendRows(pending, 1);
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`), {
      workerData: {
        module: new URL('../../src/storage/vectors.js', import.meta.url).href,
        descriptor: pending.descriptor(),
      },
    });
    const read = (row: number) =>
      new Promise((resolve) => {
        worker.once('message', resolve);
        worker.postMessage(row);
      });
    t.same(await read(0), [...vectorOfRow(0, DIMENSION)]);
    for (let round = 0; round < 20; round++) {
      t.equal(await read(pending.nextRow), 'RangeError');
      const firstRow = await appendRows(pending, 150);
      t.same(await read(firstRow), [...vectorOfRow(firstRow, DIMENSION)]);
      t.same(await read(firstRow + 149), [...vectorOfRow(firstRow + 149, DIMENSION)]);
    }
    await worker.terminate();
    await pending.close();
  });
}

t.test('the last row numbers are not given out: collection_full, and what was there stays', async (t) => {
  const rowEnd = ROWS_MAX - 3;
  const pending = await PendingSegments.open(options(temporaryDirectory(t), { rowBase: rowEnd, rowEnd }));
  t.teardown(() => pending.close());
  await t.rejects(pending.append(bytesOf(vectorsOfRows(0, 9, DIMENSION))), { code: 'collection_full' });
  t.equal(pending.nextRow, rowEnd);
});
