// An insert whose body is a stream: any format, stored block by block, with what was stored told also after an error.
// Main thread.

import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Collection } from '../collections/collection.js';
import type { PointShape } from '../contract/point-batch.js';
import type { upsertResponse } from '../contract/points.js';
import { ServiceError } from '../errors.js';
import type { IngestPool } from '../workers/ingest-pool.js';
import type { RouteContext } from './api.js';
import { bodyChunks } from './body-chunks.js';
import { sendProblem, toServiceError } from './problems.js';
import { type BlockFormat, ingestBlocks, noProgress, type ParsedBlock } from './stream-ingest.js';

/** Time a refused client has to stop sending. */
const DISCARD_MS = 10_000;

export const insertQuery = z.strictObject({
  on_error: z
    .enum(['stop', 'skip'])
    .default('stop')
    .describe(
      'Streams only. stop: end before the first block (about 1 MiB of NDJSON, a record batch of Arrow) that has a bad ' +
        'point. skip: leave bad points out.',
    ),
  id_column: z.string().default('id').describe('Arrow only: the column of the ids.'),
  vector_column: z.string().default('vector').describe('Arrow only: the column of the vectors.'),
});

export type UpsertResponse = z.output<typeof upsertResponse>;
export type Insert = FastifyRequest & { query: z.output<typeof insertQuery> };

/** What a format works on. */
export interface InsertStream {
  chunks: AsyncIterable<Uint8Array>;
  shape: PointShape;
  ingest: IngestPool;
  query: z.output<typeof insertQuery>;
  bodyBytesMax: number;
}

/** A body that was not read yet, with the way to read it. */
export class StreamBody {
  readonly stream: Readable;
  readonly format: (stream: InsertStream) => BlockFormat<unknown, ParsedBlock>;

  constructor(stream: Readable, format: StreamBody['format']) {
    this.stream = stream;
    this.format = format;
  }
}

/** Stores the body; what was stored before an error is a member of its problem. */
export async function insertStream(
  request: Insert,
  reply: FastifyReply,
  { stream, format }: StreamBody,
  collection: Collection,
  { engine, requestTimeoutMs }: RouteContext,
): Promise<UpsertResponse | FastifyReply> {
  const progress = noProgress();
  try {
    const parts = {
      chunks: bodyChunks(stream, { timeoutMs: requestTimeoutMs, for: 'chunk' }),
      shape: collection.shape,
      ingest: engine().ingest,
      query: request.query,
      bodyBytesMax: request.routeOptions.bodyLimit,
    };
    await ingestBlocks(format(parts), (batch) => collection.upsert(batch), progress);
    if (progress.upserted === 0 && progress.rejected === 0) {
      const issue = { path: '', message: 'The body has no points' };
      throw new ServiceError('validation_failed', {}, [issue]);
    }
  } catch (failure) {
    const error = toServiceError(failure as Error, request);
    if (error.code === 'internal') request.log.error({ err: failure }, 'request failed');
    const { upserted, sequence } = progress;
    discardRest(request, stream);
    return sendProblem(request, reply, error, { upserted, sequence });
  }
  const { upserted, sequence, rejected, errors: issues } = progress;
  return request.query.on_error === 'skip'
    ? { upserted, sequence, rejected, errors: issues }
    : { upserted, sequence };
}

/** Reads on without keeping anything: a client that is still sending sees the reply only if its bytes are taken. */
function discardRest({ raw }: FastifyRequest, rest: Readable): void {
  if (rest.readableEnded || rest.destroyed) return;
  const giveUp = setTimeout(() => raw.socket.destroy(), DISCARD_MS).unref();
  for (const event of ['end', 'close', 'error']) rest.once(event, () => clearTimeout(giveUp));
  rest.on('data', () => {});
}
