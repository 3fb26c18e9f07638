// Request and reply of a recall measurement. Runs on any thread.

import { z } from 'zod';
import { RECALL_SAMPLES_MAX } from '../limits.js';
import { effortFields, refuseTwoEfforts } from './search.js';
import { warnings } from './warnings.js';

export const recallRequest = z
  .strictObject({
    samples: z.int().min(1).max(RECALL_SAMPLES_MAX).default(100).describe('Stored points taken as queries.'),
    ...effortFields,
  })
  .superRefine(refuseTwoEfforts)
  .meta({ id: 'RecallRequest', examples: [{ samples: 100, k: 10 }] });
export type RecallRequest = z.output<typeof recallRequest>;

const latency = z.strictObject({ mean_us: z.number(), p50_us: z.number(), p99_us: z.number() });

export const recallReport = z
  .strictObject({
    recall: z.number().describe('Mean share of the exact k nearest that the index search found, 0 to 1.'),
    samples: z.int().describe('Queries measured; fewer than asked where the collection has fewer points.'),
    k: z.int(),
    probes: z.number().describe('Leaves scanned a query, on average.'),
    rerank_factor: z.number(),
    search: latency.describe('Latency of the index search.'),
    exact: latency.describe('Latency of the exact search.'),
    warnings,
  })
  .meta({ id: 'RecallReport' });
export type RecallReport = z.output<typeof recallReport>;
