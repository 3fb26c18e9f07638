// Inserts many vectors over HTTP as one Arrow stream, a record batch at a time.

import { END_OF_STREAM, vectorRecords, vectorSchema } from '../../src/arrow/write-messages.js';
import type { VectorRows } from '../data/vector-rows.js';
import { ApiFailure, type CoppiceClient } from './coppice-client.js';
import type { IngestOptions } from './ingest.js';

const BATCH_POINTS = 1000;

/** Stores all vectors under their row numbers; resolves with the seconds it took. */
export async function ingestArrow(
  { origin }: CoppiceClient,
  options: Omit<IngestOptions, 'ids'>,
): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`${origin}/v1/collections/${options.name}/points`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.apache.arrow.stream' },
    body: ReadableStream.from(arrowStream(options.vectors, options)),
    duplex: 'half',
  } as RequestInit);
  const answer = await response.json();
  if (!response.ok) throw new ApiFailure(response.status, answer);
  return (performance.now() - startedMs) / 1000;
}

async function* arrowStream(
  vectors: VectorRows,
  { batchPoints = BATCH_POINTS, onProgress }: Pick<IngestOptions, 'batchPoints' | 'onProgress'>,
): AsyncGenerator<Uint8Array> {
  const { count, dimension } = vectors;
  yield vectorSchema(dimension);
  for (let first = 0; first < count; first += batchPoints) {
    const rows = vectors.read(first, Math.min(count - first, batchPoints));
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    yield* vectorRecords(bytes, dimension, first);
    onProgress?.(first);
  }
  yield END_OF_STREAM;
}
