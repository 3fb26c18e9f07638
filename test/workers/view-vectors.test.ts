import { join } from 'node:path';
import t from 'tap';
import { rowBytes } from '../../src/contract/stored-vector.js';
import { SegmentWriter } from '../../src/storage/segment.js';
import { ViewVectors } from '../../src/workers/view-vectors.js';
import { clustered, storedRows } from '../index/built.js';
import { pendingSource } from './source.js';

t.test('positions are slots first, then pending rows, alone and in lists over both', async (t) => {
  const given = { dimension: 6, metric: 'l2' } as const;
  for (const precision of ['float32', 'float16', 'int8'] as const) {
    const { view, vectors, directory } = await pendingSource(t, 30, given, precision);
    const inSlots = clustered(20, 6, 5);
    const path = join(directory, 'slots.vec');
    const shape = { dimension: 6, precision };
    const file = await SegmentWriter.create(path, { ...shape, firstRow: 0, capacityRows: 20 });
    await file.write(0, storedRows(inSlots, precision));
    await file.close();
    const leafVectors = { ...shape, segments: [{ path, firstRow: 0, rows: 20 }] };
    // The first ten rows went into slots: pending ones begin at row 10.
    const reader = new ViewVectors({ ...view, slots: 20, rowBase: 10, leafVectors });
    t.equal(reader.precision, precision);
    t.equal(reader.pendingEnd, 20);
    const expected = storedRows([...inSlots, ...vectors.slice(10)], precision);
    const stride = rowBytes(shape);
    const found = new Uint8Array(expected.length);
    for (let position = 0; position < 40; position++) reader.copyInto(position, found, position * stride);
    t.same(found, expected);
    for (const step of [1, 3, 19, 21]) {
      const positions = Uint32Array.from({ length: Math.ceil(40 / step) }, (_, i) => i * step);
      const target = new Uint8Array(4 * stride);
      const taken: number[] = [];
      const take = (first: number, count: number) => {
        for (let i = 0; i < count; i++) {
          const position = positions[first + i] as number;
          const row = expected.subarray(position * stride, (position + 1) * stride);
          t.same(target.subarray(i * stride, (i + 1) * stride), row, `position ${position}`);
          taken.push(position);
        }
      };
      reader.copyListed(positions, { target, batchRows: 4, take });
      t.same(taken, [...positions]);
    }
  }
});
