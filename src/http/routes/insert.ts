// Insert or replace points: a JSON body, or NDJSON or Arrow of any length. Main thread; large bodies are parsed by workers.

import type { Collection } from '../../collections/collection.js';
import { parsePoints } from '../../contract/point-batch.js';
import { upsertRequest, upsertResponse } from '../../contract/points.js';
import {
  type Api,
  bodyBlocks,
  isSmall,
  type RouteContext,
  readBodyInBlocks,
  validateExceptBody,
} from '../api.js';
import { arrowFormat } from '../arrow-ingest.js';
import { insertQuery, insertStream, StreamBody, type UpsertResponse } from '../insert-stream.js';
import { lineFormat } from '../line-ingest.js';
import { collectionParams } from '../params.js';
import { releaseBatch } from '../release-batch.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, json, WRITE_ERRORS } from '../responses.js';

export const NDJSON_TYPE = 'application/x-ndjson';
export const ARROW_TYPE = 'application/vnd.apache.arrow.stream';
export function insertRoutes(api: Api, context: RouteContext): void {
  readBodyInBlocks(api, context);
  // Only this route streams its body: elsewhere these types are refused with 415.
  for (const [type, format] of [
    [NDJSON_TYPE, lineFormat],
    [ARROW_TYPE, arrowFormat],
  ] as const) {
    api.addContentTypeParser(type, (_request, payload, done) =>
      done(null, new StreamBody(payload, format as StreamBody['format'])),
    );
  }

  api.route({
    method: 'POST',
    url: '/v1/collections/:name/points',
    config: { scope: 'write', accepts: `application/json, ${NDJSON_TYPE} or ${ARROW_TYPE}`, unhurried: true },
    validatorCompiler: validateExceptBody,
    schema: {
      tags: ['points'],
      operationId: 'upsertPoints',
      summary: 'Insert or replace points',
      description:
        'All points of a JSON body are stored, or none. The reply comes when they are durable and every later search sees them. ' +
        'NDJSON, one point a line, and an Arrow IPC stream, one point a row, may be of any length: they are stored block by block.',
      params: collectionParams,
      querystring: insertQuery,
      body: upsertRequest,
      response: {
        200: json('Stored.', upsertResponse),
        ...errors(
          ...BODY_ERRORS,
          'malformed_ndjson',
          'malformed_arrow',
          'not_supported',
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
      const body: unknown = request.body;
      if (body instanceof StreamBody) return insertStream(request, reply, body, collection, context);
      return insertJson(bodyBlocks(request), collection, context);
    },
  });
}

async function insertJson(
  blocks: Uint8Array[],
  collection: Collection,
  { engine }: RouteContext,
): Promise<UpsertResponse> {
  const { shape } = collection;
  if (isSmall(blocks)) return collection.upsert(parsePoints(Buffer.concat(blocks), shape));
  const batch = await engine().ingest.parsePoints(blocks, shape);
  const stored = await collection.upsert(batch);
  releaseBatch(batch);
  return stored;
}
