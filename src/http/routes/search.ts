// Search, one query or many, and the measurement of recall. Main thread.

import type { FastifyReply } from 'fastify';
import type { ReplyRoom, ReplySize } from '../../collections/reply-room.js';
import { parseRecall, recallReport, recallRequest } from '../../contract/recall.js';
import {
  parseSearch,
  parseSearches,
  searchBatchRequest,
  searchBatchResponse,
  searchRequest,
  searchResponse,
} from '../../contract/search.js';
import {
  type Api,
  bodyBlocks,
  bodyBytes,
  isSmall,
  optionalBodyBlocks,
  type RouteContext,
  readBodyInBlocks,
  validateExceptBody,
} from '../api.js';
import type { Metrics } from '../metrics.js';
import { collectionParams, encodingQuery } from '../params.js';
import { endOf } from '../request-time.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, FILTER_ERRORS, json } from '../responses.js';
import { writeBatchReply, writeSearchReply } from '../search-reply.js';

const tags = ['search'];
/** The largest vector as numbers takes about 100 KB: what is larger is no single search, and is read on this thread. */
const SEARCH_BYTES_MAX = 256 * 1024;
const SEARCH_ERRORS = [...BODY_ERRORS, ...COLLECTION_ERRORS] as const;
const VECTOR_ERRORS = [
  'dimension_mismatch',
  'vector_not_finite',
  'vector_out_of_range',
  'zero_vector',
] as const;
const QUERY_ERRORS = [...VECTOR_ERRORS, 'point_not_found', 'reply_too_large', ...FILTER_ERRORS] as const;

/** Counted until the client has read all of it, or has left. */
function sizeOf({ raw }: FastifyReply, replies: ReplyRoom): ReplySize {
  const size = replies.open();
  for (const event of ['finish', 'close']) raw.once(event, () => size.close());
  return size;
}

export function searchRoutes(api: Api, { engine }: RouteContext, metrics: Metrics): void {
  api.route({
    method: 'POST',
    url: '/v1/collections/:name/search',
    config: { scope: 'read' },
    bodyLimit: SEARCH_BYTES_MAX,
    validatorCompiler: validateExceptBody,
    schema: {
      tags,
      operationId: 'search',
      summary: 'Find the nearest points',
      description:
        'Nearest to a vector, or to a stored point by its `id`. Ties are broken by id, so that answers repeat.',
      params: collectionParams,
      querystring: encodingQuery,
      body: searchRequest,
      response: {
        200: json('The nearest points, nearest first.', searchResponse),
        ...errors(...SEARCH_ERRORS, ...QUERY_ERRORS, 'too_many_requests', 'overloaded'),
      },
    },
    handler: async (request, reply) => {
      const collection = engine().get(request.params.name);
      const wanted = parseSearch(bodyBytes(request));
      reply.type('application/json');
      const caller = { signal: endOf(request), reply: sizeOf(reply, engine().replies) };
      const { stats, ...answer } = await collection.search({ ...wanted, with_stats: true }, caller);
      if (stats !== undefined) metrics.observeSearch(stats);
      return writeSearchReply(wanted.with_stats ? { ...answer, stats } : answer, request.query.encoding);
    },
  });
}

export function recallRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'POST',
    url: '/v1/collections/:name/recall',
    config: { scope: 'read', unhurried: true },
    validatorCompiler: validateExceptBody,
    schema: {
      tags,
      operationId: 'measureRecall',
      summary: 'Measure recall and latency',
      description:
        'Takes stored points as queries, or vectors of yours, and compares the index search with the exact search.',
      params: collectionParams,
      body: recallRequest.optional(),
      response: {
        200: json('Recall and latencies.', recallReport),
        ...errors(...SEARCH_ERRORS, ...VECTOR_ERRORS, 'collection_empty', ...FILTER_ERRORS, 'overloaded'),
      },
    },
    handler: async (request) => {
      const collection = engine().get(request.params.name);
      const blocks = optionalBodyBlocks(request);
      const wanted = isSmall(blocks)
        ? parseRecall(Buffer.concat(blocks))
        : await engine().ingest.parseRecall(blocks);
      return collection.measureRecall(wanted);
    },
  });
}

/** In a scope of its own, because its bodies are large. */
export function batchSearchRoutes(api: Api, context: RouteContext, metrics: Metrics): void {
  const { engine } = context;
  readBodyInBlocks(api, context);

  api.route({
    method: 'POST',
    url: '/v1/collections/:name/search/batch',
    config: { scope: 'read' },
    validatorCompiler: validateExceptBody,
    schema: {
      tags,
      operationId: 'searchBatch',
      summary: 'Run several searches at once',
      params: collectionParams,
      querystring: encodingQuery,
      body: searchBatchRequest,
      response: {
        200: json('The results of each search, in order.', searchBatchResponse),
        ...errors(...SEARCH_ERRORS, ...QUERY_ERRORS, 'too_many_requests', 'overloaded'),
      },
    },
    handler: async (request, reply) => {
      const collection = engine().get(request.params.name);
      const blocks = bodyBlocks(request);
      const searches = isSmall(blocks)
        ? parseSearches(Buffer.concat(blocks))
        : await engine().ingest.parseSearches(blocks);
      const wanted = searches.map((search) => ({ ...search, with_stats: true }));
      reply.type('application/json');
      const caller = { signal: endOf(request), reply: sizeOf(reply, engine().replies) };
      const answers = await collection.searchBatch(wanted, caller);
      for (const { stats } of answers) if (stats !== undefined) metrics.observeSearch(stats);
      return writeBatchReply(answers, request.query.encoding);
    },
  });
}
