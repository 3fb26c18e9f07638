// Point batches for tests of the engine, without the wire.

import { crc32c } from '@node-rs/crc32';
import type { Precision } from '../../src/contract/index-settings.js';
import { packPayloads } from '../../src/contract/payload-column.js';
import type { PointBatch } from '../../src/contract/point-batch.js';
import type { PointId } from '../../src/contract/points.js';
import { rowBytes, storeVector } from '../../src/contract/stored-vector.js';

export interface TestPoint {
  id: PointId;
  vector: ArrayLike<number>;
  payload?: object;
}

export function batchOf(points: TestPoint[], precision: Precision = 'float32'): PointBatch {
  const stride = rowBytes({ dimension: points[0]?.vector.length ?? 0, precision });
  const vectors = new Uint8Array(points.length * stride);
  points.forEach((point, index) => {
    storeVector(Float32Array.from(point.vector), precision, vectors, index * stride);
  });
  const checksums = points.map((_, index) => crc32c(vectors.subarray(index * stride, (index + 1) * stride)));
  return {
    count: points.length,
    ids: points.map((point) => point.id),
    vectors,
    checksums: Uint32Array.from(checksums),
    payloads: packPayloads(
      points.map(({ payload }) => (payload ? new TextEncoder().encode(JSON.stringify(payload)) : null)),
    ),
  };
}
