// Fields the API knows already but this version cannot serve yet. Runs on any thread.

import { z } from 'zod';
import { ServiceError } from '../errors.js';

/** Optional; refused with `not_supported` when given, instead of being ignored. */
export function notSupported(what: string) {
  return z
    .unknown()
    .superRefine((value, context) => {
      if (value === undefined) return;
      const error = new ServiceError('not_supported', { what });
      context.addIssue({ code: 'custom', message: error.message, input: undefined, params: { error } });
    })
    .optional()
    .describe('Not supported by this version: refused with `not_supported`.');
}
