// How workers answer: expected errors as data, defects thrown. Runs on workers.

import { ServiceError } from '../errors.js';
import type { Reply } from './messages.js';

/** Runs the work of a task. */
export async function replyWith<Value>(work: () => Value | Promise<Value>): Promise<Reply<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (error instanceof ServiceError) return { ok: false, error: error.toData() };
    throw error;
  }
}
