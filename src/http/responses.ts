// How replies are described in the OpenAPI document. Main thread, at start only.

import { z } from 'zod';
import { problem } from '../contract/problem.js';
import type { ErrorCode } from '../errors.js';
import { PROBLEM_TYPE } from './problems.js';
import { STATUS_CODES } from './status-codes.js';

interface Described {
  description: string;
  content: Record<string, { schema: z.ZodType }>;
}

/** Any call under /v1 may meet these. */
const GENERAL: ErrorCode[] = ['unauthorized', 'forbidden', 'internal', 'shutting_down', 'timeout'];
/** Any call with a body may meet these. */
export const BODY_ERRORS: ErrorCode[] = [
  'validation_failed',
  'malformed_json',
  'body_too_large',
  'body_timeout',
  'unsupported_media_type',
];
/** Any call on a collection may meet these. */
export const COLLECTION_ERRORS: ErrorCode[] = ['collection_not_found', 'collection_unavailable'];
/** Any call that takes a filter may meet these. */
export const FILTER_ERRORS: ErrorCode[] = ['too_many_requests', 'overloaded', 'storage_corrupt'];
export const WRITE_ERRORS: ErrorCode[] = ['too_many_requests', 'disk_full', 'writes_stopped'];

export function json(description: string, schema: z.ZodType): Described {
  return { description, content: { 'application/json': { schema } } };
}

export function text(description: string, contentType: string): Described {
  return { description, content: { [contentType]: { schema: z.string() } } };
}

/** One response for each status of `codes`, which lists its codes. */
export function errors(...codes: ErrorCode[]): Record<number, Described> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set([...codes, ...GENERAL])) {
    const status = STATUS_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses: Record<number, Described> = {};
  for (const [status, ofStatus] of byStatus) {
    const description = `\`code\` is ${ofStatus.map((code) => `\`${code}\``).join(' or ')}.`;
    responses[status] = { description, content: { [PROBLEM_TYPE]: { schema: problem } } };
  }
  return responses;
}
