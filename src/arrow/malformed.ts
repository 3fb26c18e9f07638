// What is said of bytes that are no Arrow, in one place. Runs on any thread.

import { ServiceError } from '../errors.js';

/** `reason` goes on after "The body is not a valid Arrow IPC stream:". */
export function malformed(reason: string): ServiceError {
  return new ServiceError('malformed_arrow', { reason });
}

/**
 * Runs `read` over bytes that nobody has checked: a view that ends before what it is asked for is the sender's fault.
 * @throws malformed_arrow instead of RangeError; all else as it is
 */
export function readUntrusted<Value>(what: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw malformed(`${what} points beyond its end`);
    throw error;
  }
}
