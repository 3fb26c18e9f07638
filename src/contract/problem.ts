// What every error looks like on the wire: application/problem+json, RFC 9457. Runs on any thread.

import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../errors.js';
import { ERROR_ISSUES_MAX } from '../limits.js';

export const problem = z
  .looseObject({
    type: z.string().describe('A URN that names the kind of problem.'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What went wrong here, and what to do.'),
    code: z.enum(ERROR_CODES as [ErrorCode, ...ErrorCode[]]).describe('Stable: branch on this.'),
    errors: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .max(ERROR_ISSUES_MAX)
      .optional(),
    request_id: z.string().describe('Find the request in the log by this.'),
    upserted: z.int().optional().describe('Streams only: points stored before the error.'),
    sequence: z.int().optional().describe('Streams only: the sequence number of the last stored block.'),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: 'urn:coppice:problem:dimension_mismatch',
        title: 'Dimension mismatch',
        status: 422,
        detail: "The vector has 3 numbers, the collection's dimension is 100.",
        code: 'dimension_mismatch',
        errors: [
          {
            path: 'points[0].vector',
            message: "The vector has 3 numbers, the collection's dimension is 100.",
          },
        ],
        request_id: '01980c0e-5a0e-7000-8000-3f2a9c1b7d55',
      },
    ],
  });
export type Problem = z.output<typeof problem>;
