// Requests and replies of search. Runs on any thread.

import { z } from 'zod';
import {
  CONFIDENCE_DEFAULT,
  GROUP_SIZE_DEFAULT,
  GROUPED_RESULTS_MAX,
  K_DEFAULT,
  K_MAX,
  PROBES_MAX,
  RERANK_FACTOR_MAX,
  SEARCHES_PER_BATCH_MAX,
} from '../limits.js';
import { filter, payloadKey, scalar } from './filter.js';
import { parseWith } from './issues.js';
import { parseJson } from './json.js';
import { payloadField } from './payload.js';
import { pointId } from './points.js';
import { storedVector, vectorField } from './vector.js';
import { warnings } from './warnings.js';

interface GivenEffort {
  probes?: number | undefined;
  target_recall?: number | undefined;
  min_recall?: number | undefined;
  confidence?: number | undefined;
  rerank_factor?: number | undefined;
}

/** Refuses two ways to say how much work a search does, and a confidence of nothing. */
export function refuseTwoEfforts(given: GivenEffort, context: z.RefinementCtx): void {
  const refuse = (field: keyof GivenEffort, message: string) =>
    context.addIssue({ code: 'custom', message, path: [field], input: undefined });
  const ways = (['probes', 'target_recall', 'min_recall'] as const).filter((way) => given[way] !== undefined);
  const [first, ...others] = ways;
  for (const other of others) refuse(other, `Give either \`${first}\` or \`${other}\``);
  if (given.rerank_factor !== undefined && given.min_recall !== undefined)
    refuse(
      'rerank_factor',
      'Give either `rerank_factor` or `min_recall`: with a limit of candidates nothing is promised',
    );
  if (given.confidence !== undefined && given.min_recall === undefined)
    refuse('confidence', '`confidence` is that of `min_recall`; give both, or neither');
}

/** How much work a search does: shared by search and recall. */
export const effortFields = {
  k: z
    .int()
    .min(1)
    .max(K_MAX)
    .default(K_DEFAULT)
    .describe('Results wanted; fewer come where the collection has fewer.'),
  probes: z
    .int()
    .min(1)
    .max(PROBES_MAX)
    .optional()
    .describe('Leaves to scan, instead of what the target recall needs.'),
  rerank_factor: z
    .number()
    .min(1)
    .max(RERANK_FACTOR_MAX)
    .optional()
    .describe('Candidates compared exactly, as a multiple of k.'),
  target_recall: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe(
      'Mean share of the true k nearest to be found, 0.95 unless given. The build has measured the work that takes; ' +
        'what it has not, and 1, is answered by an exact search.',
    ),
  min_recall: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe(
      'Share of the true k nearest that a query finds at least, with the probability `confidence`; instead of ' +
        '`target_recall` and `probes`. The bound is conformal: it supposes no distribution, only that queries are ' +
        'exchangeable with the stored points that the build has calibrated with. The probability is over such queries, ' +
        'and holds for 95 of 100 builds; it is not that of one given query. Where the calibration cannot tell, all ' +
        'vectors are compared.',
    ),
  confidence: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(`How probable \`min_recall\` is at least, ${CONFIDENCE_DEFAULT} unless given.`),
  filter: filter.optional(),
};

export const searchRequest = z
  .strictObject({
    vector: vectorField.optional(),
    id: pointId.optional().describe('Search near this stored point; the point itself is left out.'),
    ...effortFields,
    exact: z.boolean().default(false).describe('Compare with every vector, without the index.'),
    score_threshold: z.number().optional().describe('Leave out results that are worse than this score.'),
    group_by: payloadKey
      .optional()
      .describe(
        'Find the k nearest groups of points with the same value at this key, and the nearest points of each.',
      ),
    group_size: z
      .int()
      .min(1)
      .default(GROUP_SIZE_DEFAULT)
      .describe(`Points of a group, at most; k times this is ${GROUPED_RESULTS_MAX} at most.`),
    with_payload: z.boolean().default(false),
    with_vector: z.boolean().default(false),
    with_stats: z.boolean().default(false),
  })
  .superRefine((value, context) => {
    refuseTwoEfforts(value, context);
    if (value.group_by !== undefined && value.k * value.group_size > GROUPED_RESULTS_MAX) {
      const message = `k times group_size is ${GROUPED_RESULTS_MAX} at most`;
      context.addIssue({ code: 'custom', message, path: ['group_size'], input: undefined });
    }
    if ((value.vector === undefined) !== (value.id === undefined)) return;
    context.addIssue({ code: 'custom', message: 'Give either `vector` or `id`', input: undefined });
  })
  .meta({ id: 'SearchRequest', examples: [{ vector: [0.12, -0.5, 0.33], k: 10, with_payload: true }] });
export type SearchRequest = z.output<typeof searchRequest>;

export const searchBatchRequest = z
  .strictObject({
    searches: z
      .array(
        searchRequest.refine(({ group_by }) => group_by === undefined, {
          error: 'A batch cannot group; send this search alone',
          path: ['group_by'],
        }),
      )
      .min(1)
      .max(SEARCHES_PER_BATCH_MAX),
  })
  .meta({
    id: 'SearchBatchRequest',
    examples: [{ searches: [{ vector: [0.12, -0.5, 0.33], k: 3 }, { id: 'word:tree' }] }],
  });

export const searchWay = z.enum(['exact', 'probes', 'widened', 'compared_all']).meta({
  id: 'SearchWay',
  description:
    '`exact`: every vector that may match was compared. `probes`: leaves of the calibrated or asked effort were ' +
    'scanned. `widened`: the first answer could not be trusted, so more leaves or candidates were looked at. ' +
    '`compared_all`: all codes were scanned, and every vector compared that they do not rule out.',
});

export const searchStats = z
  .strictObject({
    way: searchWay,
    probes: z.int(),
    leaves: z.int(),
    vectors_scanned: z.int(),
    vectors_reranked: z.int(),
    generation: z.int(),
    filter: z
      .strictObject({
        matches: z.int().describe('Points that meet it.'),
        unindexed_keys: z
          .array(payloadKey)
          .describe('Keys without a payload index that answers this: payloads were read.'),
        way: z
          .enum(['exact', 'probes', 'all_leaves'])
          .describe(
            'All matches were compared; leaves near the vector were scanned, or all that have matches.',
          ),
      })
      .optional(),
    microseconds: z.record(z.string(), z.number()).describe('Time spent in each stage.'),
  })
  .meta({ id: 'SearchStats' });
export type SearchStats = z.output<typeof searchStats>;

export const searchResult = z
  .strictObject({
    id: pointId,
    score: z
      .number()
      .describe(
        'Cosine similarity or inner product (larger is nearer), or Euclidean distance (smaller is nearer).',
      ),
    payload: payloadField.optional(),
    vector: storedVector.optional(),
  })
  .meta({ id: 'SearchResult' });
/** `vector` stays a Float32Array until the reply is written. */
export type SearchResult = z.output<typeof searchResult>;

export const searchGroup = z
  .strictObject({ value: scalar, results: z.array(searchResult).describe('The nearest of the group.') })
  .meta({ id: 'SearchGroup' });
export type SearchGroup = z.output<typeof searchGroup>;

export const searchResponse = z
  .strictObject({
    results: z.array(searchResult),
    stats: searchStats.optional(),
    groups: z.array(searchGroup).optional().describe('With `group_by`, instead of results; nearest first.'),
    warnings,
  })
  .meta({
    id: 'SearchResponse',
    examples: [{ results: [{ id: 'word:tree', score: 0.83, payload: { word: 'tree' } }] }],
  });
export type SearchResponse = z.output<typeof searchResponse>;

export const searchBatchResponse = z
  .strictObject({
    results: z.array(z.array(searchResult)).describe('One list for each search, in order.'),
    warnings,
  })
  .meta({ id: 'SearchBatchResponse' });

/** @throws malformed_json, validation_failed, vector_not_finite */
export function parseSearch(body: Uint8Array): SearchRequest {
  return parseWith(searchRequest, parseJson(body));
}

/** @throws as `parseSearch` */
export function parseSearches(body: Uint8Array): SearchRequest[] {
  return parseWith(searchBatchRequest, parseJson(body)).searches;
}
