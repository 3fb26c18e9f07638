// Request and reply of a facet: the values of a key, counted. Runs on any thread.

import { z } from 'zod';
import { FACET_LIMIT_DEFAULT, FACET_LIMIT_MAX } from '../limits.js';
import { filter, payloadKey, scalar } from './filter.js';
import { warnings } from './warnings.js';

export const facetRequest = z
  .strictObject({
    key: payloadKey,
    limit: z.int().min(1).max(FACET_LIMIT_MAX).default(FACET_LIMIT_DEFAULT).describe('Values wanted.'),
    filter: filter.optional(),
  })
  .meta({ id: 'FacetRequest', examples: [{ key: 'kind', limit: 5 }] });
export type FacetRequest = z.output<typeof facetRequest>;

export const facetResponse = z
  .strictObject({
    facets: z
      .array(z.strictObject({ value: scalar, count: z.int().describe('Points that have the value.') }))
      .describe('The most frequent first.'),
    warnings,
  })
  .meta({ id: 'FacetResponse', examples: [{ facets: [{ value: 'tree', count: 3 }] }] });
export type FacetResponse = z.output<typeof facetResponse>;
