// Request and reply of a recall measurement. Runs on any thread.

import { z } from 'zod';
import { RECALL_SAMPLES_DEFAULT, RECALL_SAMPLES_MAX } from '../limits.js';
import { parseWith } from './issues.js';
import { parseJson } from './json.js';
import { effortFields, refuseTwoEfforts } from './search.js';
import { vectorField } from './vector.js';
import { warnings } from './warnings.js';

export const recallRequest = z
  .strictObject({
    samples: z
      .int()
      .min(1)
      .max(RECALL_SAMPLES_MAX)
      .optional()
      .describe(
        `Stored points taken as queries, ${RECALL_SAMPLES_DEFAULT} unless given: drawn evenly from all of them, those ` +
          'that came after the build included. Each is left out of its own answer.',
      ),
    vectors: z
      .array(vectorField)
      .min(1)
      .max(RECALL_SAMPLES_MAX)
      .optional()
      .describe(
        'Queries to measure, instead of `samples`. A stored point may be in the answer to its own vector.',
      ),
    ...effortFields,
  })
  .superRefine((value, context) => {
    refuseTwoEfforts(value, context);
    if (value.samples === undefined || value.vectors === undefined) return;
    const message = 'Give either `samples` or `vectors`';
    context.addIssue({ code: 'custom', message, path: ['vectors'], input: undefined });
  })
  .meta({ id: 'RecallRequest', examples: [{ samples: 100, k: 10 }] });
export type RecallRequest = z.output<typeof recallRequest>;

const latency = z.strictObject({ mean_us: z.number(), p50_us: z.number(), p99_us: z.number() });

export const recallReport = z
  .strictObject({
    recall: z
      .number()
      .describe(
        'Mean share of the exact k nearest that the index search found, 0 to 1. What lies as near as the k-th counts ' +
          'as found, what is missing in a short answer as missed.',
      ),
    recall_low: z
      .number()
      .describe(
        'With `recall_high` a 95 % interval of the mean: 1.96 standard errors to each side, within 0 and 1. Where all ' +
          'queries have the same recall, which tells nothing of their spread, 3 / samples to each side.',
      ),
    recall_high: z.number().describe('The other end of that interval.'),
    recall_min: z.number().describe('The lowest recall of a query.'),
    samples: z.int().describe('Queries measured; fewer than asked where the collection has fewer points.'),
    pending_samples: z.int().describe('Of these, stored points that came after the build.'),
    short_answers: z
      .int()
      .describe(
        'Answers of the index search with fewer points than there are to find, up to k, while nothing was written: ' +
          '0, or there is a defect.',
      ),
    ways: z
      .strictObject({ exact: z.int(), probes: z.int(), widened: z.int(), compared_all: z.int() })
      .describe('How many of the index searches took which way: see `SearchWay`.'),
    k: z.int(),
    probes: z.number().describe('Leaves scanned a query, on average.'),
    rerank_factor: z.number(),
    search: latency.describe('Latency of the index search.'),
    exact: latency.describe('Latency of the exact search.'),
    warnings,
  })
  .meta({ id: 'RecallReport' });
export type RecallReport = z.output<typeof recallReport>;

/** An empty body asks for the defaults. @throws malformed_json, validation_failed, vector_not_finite */
export function parseRecall(body: Uint8Array): RecallRequest {
  return parseWith(recallRequest, body.length === 0 ? {} : parseJson(body));
}
