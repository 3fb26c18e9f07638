import t from 'tap';
import { completeSettings } from '../../../src/index/settings.js';
import { build, clustered } from '../built.js';

t.test('the vectors of a large leaf are handed on in order, a megabyte at most at a time', async (t) => {
  for (const dimension of [4096, 1001]) {
    const vectors = clustered(700, dimension, 3);
    const settings = completeSettings({ dimension, metric: 'l2', maxLeafSize: 2000 });
    const written: Uint8Array[] = [];
    let batches = 0;
    const { slotRows, leaves } = build(vectors, settings, {}, (firstSlot, batch) => {
      t.ok(batch.byteLength <= 2 ** 20, `${batch.byteLength} bytes`);
      t.equal(firstSlot, written.length);
      const stride = 4 * dimension;
      for (let i = 0; i < batch.length; i += stride) written.push(batch.slice(i, i + stride));
      batches++;
    });
    t.equal(leaves, 1);
    t.ok(batches > 2);
    t.equal(written.length, 700);
    t.ok(
      written.every(
        (vector, slot) => Buffer.compare(vector, bytesOf(vectors[slotRows[slot] as number])) === 0,
      ),
    );
  }
});

function bytesOf(vector: Float32Array | undefined): Uint8Array {
  return new Uint8Array(vector?.slice().buffer ?? new ArrayBuffer(0));
}
