// Inserts many vectors over HTTP: JSON batches with base64 vectors, a few requests at a time.

import type { VectorRows } from '../data/vector-rows.js';
import type { CoppiceClient } from './coppice-client.js';

const BATCH_POINTS = 1000;
const REQUESTS_IN_FLIGHT = 4;

export interface IngestOptions {
  name: string;
  /** Of each row; their numbers where they have no others. */
  ids?: string[];
  vectors: VectorRows;
  batchPoints?: number;
  /** Told the number of points stored so far. */
  onProgress?: (count: number) => void;
}

/** Stores all vectors under their ids; resolves with the seconds it took. */
export async function ingest(client: CoppiceClient, options: IngestOptions): Promise<number> {
  const { name, ids, vectors, batchPoints = BATCH_POINTS, onProgress } = options;
  const { count, dimension } = vectors;
  const startedMs = performance.now();
  let next = 0;
  let stored = 0;
  const work = async () => {
    while (next < count) {
      const first = next;
      next = Math.min(count, first + batchPoints);
      const values = vectors.read(first, next - first);
      const batch = Array.from({ length: next - first }, (_, index) => ({
        id: ids?.[first + index] ?? String(first + index),
        vector: base64Of(values.subarray(index * dimension, (index + 1) * dimension)),
      }));
      const { upserted } = await client.upsert(name, batch);
      stored += upserted;
      onProgress?.(stored);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT }, work));
  return (performance.now() - startedMs) / 1000;
}

/** A vector as the API takes it: little-endian float32 in base64. */
export function base64Of(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}
