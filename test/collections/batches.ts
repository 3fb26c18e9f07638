// Point batches for tests of the engine, without the wire.

import { crc32c } from '@node-rs/crc32';
import { packPayloads } from '../../src/contract/payload-column.js';
import type { PointBatch } from '../../src/contract/point-batch.js';
import type { PointId } from '../../src/contract/points.js';

export interface TestPoint {
  id: PointId;
  vector: ArrayLike<number>;
  payload?: object;
}

export function batchOf(points: TestPoint[]): PointBatch {
  const dimension = points[0]?.vector.length ?? 0;
  const vectors = new Float32Array(points.length * dimension);
  points.forEach((point, index) => {
    vectors.set(point.vector, index * dimension);
  });
  const checksums = points.map((_, index) =>
    crc32c(new Uint8Array(vectors.buffer, index * dimension * 4, dimension * 4)),
  );
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
