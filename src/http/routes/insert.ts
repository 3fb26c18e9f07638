// Insert or replace points: a JSON body, or NDJSON of any length. Main thread; large bodies are parsed by workers.

import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Collection } from '../../collections/collection.js';
import { parsePoints } from '../../contract/point-batch.js';
import { parsePointLines } from '../../contract/point-lines.js';
import { upsertRequest, upsertResponse } from '../../contract/points.js';
import { ServiceError } from '../../errors.js';
import { INLINE_PARSE_BYTES_MAX, NDJSON_BLOCK_BYTES, NDJSON_LINE_BYTES_MAX } from '../../limits.js';
import {
  type Api,
  bodyBlocks,
  isSmall,
  type RouteContext,
  readBodyInBlocks,
  validateExceptBody,
} from '../api.js';
import { bodyChunks } from '../body-chunks.js';
import { lineBlocks } from '../line-blocks.js';
import { ingestLines, noProgress } from '../line-ingest.js';
import { collectionParams } from '../params.js';
import { sendProblem, toServiceError } from '../problems.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, json, WRITE_ERRORS } from '../responses.js';

export const NDJSON_TYPE = 'application/x-ndjson';
/** Time a refused client has to stop sending. */
const DISCARD_MS = 10_000;
const BLOCK_LIMITS = { blockBytes: NDJSON_BLOCK_BYTES, lineBytesMax: NDJSON_LINE_BYTES_MAX };

const insertQuery = z.strictObject({
  on_error: z
    .enum(['stop', 'skip'])
    .default('stop')
    .describe(
      'NDJSON only. stop: end before the first block of about 1 MiB that has a bad line. skip: leave bad lines out.',
    ),
});

type UpsertResponse = z.output<typeof upsertResponse>;
type Insert = FastifyRequest & { query: z.output<typeof insertQuery> };

export function insertRoutes(api: Api, context: RouteContext): void {
  readBodyInBlocks(api, context);
  // Only this route streams its body: elsewhere NDJSON is refused with 415.
  api.addContentTypeParser(NDJSON_TYPE, (_request, payload, done) => done(null, payload));

  api.route({
    method: 'POST',
    url: '/v1/collections/:name/points',
    config: { scope: 'write', accepts: `application/json or ${NDJSON_TYPE}`, unhurried: true },
    validatorCompiler: validateExceptBody,
    schema: {
      tags: ['points'],
      operationId: 'upsertPoints',
      summary: 'Insert or replace points',
      description:
        'All points of a JSON body are stored, or none. The reply comes when they are durable and every later search sees them. ' +
        'NDJSON, one point a line, may be of any length: it is stored block by block.',
      params: collectionParams,
      querystring: insertQuery,
      body: upsertRequest,
      response: {
        200: json('Stored.', upsertResponse),
        ...errors(
          ...BODY_ERRORS,
          'malformed_ndjson',
          ...COLLECTION_ERRORS,
          'dimension_mismatch',
          'vector_not_finite',
          'vector_out_of_range',
          'zero_vector',
          'duplicate_id',
          ...WRITE_ERRORS,
          'collection_full',
          'memory_full',
        ),
      },
    },
    handler: async (request, reply) => {
      const collection = context.engine().get(request.params.name);
      if (isStream(request.body)) return insertLines(request, reply, collection, context);
      return insertJson(bodyBlocks(request), collection, context);
    },
  });
}

async function insertJson(
  blocks: Uint8Array[],
  collection: Collection,
  { engine }: RouteContext,
): Promise<UpsertResponse> {
  const shape = { dimension: collection.dimension, metric: collection.metric };
  const batch = isSmall(blocks)
    ? parsePoints(Buffer.concat(blocks), shape)
    : await engine().ingest.parsePoints(blocks, shape);
  return collection.upsert(batch);
}

async function insertLines(
  request: Insert,
  reply: FastifyReply,
  collection: Collection,
  { engine, requestTimeoutMs }: RouteContext,
): Promise<UpsertResponse | FastifyReply> {
  const shape = { dimension: collection.dimension, metric: collection.metric };
  const { ingest } = engine();
  const progress = noProgress();
  const chunks = bodyChunks(request.body as Readable, { timeoutMs: requestTimeoutMs, for: 'chunk' });
  const blocks = lineBlocks(chunks, BLOCK_LIMITS);
  try {
    await ingestLines(
      blocks,
      {
        onError: request.query.on_error,
        parse: async (block) => {
          if (block.length <= INLINE_PARSE_BYTES_MAX) return parsePointLines(block, 1, shape);
          return ingest.parsePointLines(block, 1, shape);
        },
        store: (batch) => collection.upsert(batch),
      },
      progress,
    );
    if (progress.upserted === 0 && progress.rejected === 0) {
      const issue = { path: '', message: 'The body has no points' };
      throw new ServiceError('validation_failed', {}, [issue]);
    }
  } catch (failure) {
    const error = toServiceError(failure as Error, request);
    if (error.code === 'internal') request.log.error({ err: failure }, 'request failed');
    const { upserted, sequence } = progress;
    discardRest(request);
    return sendProblem(request, reply, error, { upserted, sequence });
  }
  const { upserted, sequence, rejected, errors: issues } = progress;
  return request.query.on_error === 'skip'
    ? { upserted, sequence, rejected, errors: issues }
    : { upserted, sequence };
}

/** Reads on without keeping anything: a client that is still sending sees the reply only if its bytes are taken. */
function discardRest({ body, raw }: FastifyRequest): void {
  const rest = body as Readable;
  if (rest.readableEnded || rest.destroyed) return;
  const giveUp = setTimeout(() => raw.socket.destroy(), DISCARD_MS).unref();
  for (const event of ['end', 'close', 'error']) rest.once(event, () => clearTimeout(giveUp));
  rest.on('data', () => {});
}

function isStream(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}
