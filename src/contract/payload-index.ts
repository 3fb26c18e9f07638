// Payload indexes: which keys have one, and of which type. Runs on any thread.

import { z } from 'zod';
import { payloadKey } from './filter.js';

export const payloadIndexType = z
  .enum(['keyword', 'integer', 'float', 'bool', 'datetime', 'text', 'geo'])
  .meta({
    id: 'PayloadIndexType',
    description:
      '`keyword`, `integer` and `bool` for `match` and facets (`integer` for `range`, too); `float` and `datetime` for ' +
      '`range` over numbers and dates that hardly repeat; `text` for `match` by words; `geo` for `{lat, lon}`.',
  });
export type PayloadIndexType = z.output<typeof payloadIndexType>;

export const setPayloadIndex = z
  .strictObject({ type: payloadIndexType })
  .meta({ id: 'SetPayloadIndex', examples: [{ type: 'keyword' }] });

export const payloadIndexDescription = z
  .strictObject({
    key: payloadKey,
    type: payloadIndexType,
    state: z.enum(['building', 'ready']).describe('While it is built, filters work as without it.'),
    progress: z.number().describe('0 to 1.'),
    bytes: z.int().describe('RAM it holds.'),
  })
  .meta({ id: 'PayloadIndex' });
export type PayloadIndexDescription = z.output<typeof payloadIndexDescription>;

export const payloadIndexList = z
  .strictObject({ indexes: z.array(payloadIndexDescription) })
  .meta({ id: 'PayloadIndexList' });
