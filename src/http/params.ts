// Path and query parameters the routes share. Main thread.

import { z } from 'zod';
import { ID_BYTES_MAX } from '../limits.js';

export const collectionParams = z.object({ name: z.string().describe('Name of the collection.') });

export const pointParams = collectionParams.extend({
  id: z.string().min(1).max(ID_BYTES_MAX).describe('Id of the point, URL-encoded.'),
});

export const flagParam = z.enum(['true', 'false']).default('false');

export const encodingQuery = z.strictObject({
  encoding: z.enum(['float', 'base64']).default('float').describe('How vectors are written in the reply.'),
});
export type Encoding = z.output<typeof encodingQuery>['encoding'];
