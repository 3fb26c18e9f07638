// Inserts many vectors over HTTP as one Arrow stream, a record batch at a time.

import { END_OF_STREAM, vectorRecords, vectorSchema } from '../../src/arrow/write-messages.js';
import type { Matrix } from '../data/split.js';
import { ApiFailure } from './coppice-client.js';

const BATCH_POINTS = 1000;

export interface ArrowIngestOptions {
  name: string;
  vectors: Matrix;
  batchPoints?: number;
}

/** Stores all vectors under their row numbers; resolves with the seconds it took. */
export async function ingestArrow(origin: string, options: ArrowIngestOptions): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`${origin}/v1/collections/${options.name}/points`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.apache.arrow.stream' },
    body: ReadableStream.from(arrowStream(options)),
    duplex: 'half',
  } as RequestInit);
  const answer = await response.json();
  if (!response.ok) throw new ApiFailure(response.status, answer);
  return (performance.now() - startedMs) / 1000;
}

async function* arrowStream({
  vectors: { values, count, dimension },
  batchPoints = BATCH_POINTS,
}: ArrowIngestOptions): AsyncGenerator<Uint8Array> {
  yield vectorSchema(dimension);
  for (let first = 0; first < count; first += batchPoints) {
    const rows = values.subarray(first * dimension, Math.min(count, first + batchPoints) * dimension);
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    yield* vectorRecords(bytes, dimension, first);
  }
  yield END_OF_STREAM;
}
