// Bodies for the contract's tests.

import type { ServiceError } from '../../src/errors.js';

export function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

export function base64Of(numbers: number[]): string {
  return Buffer.from(Float32Array.from(numbers).buffer).toString('base64');
}

/** The ServiceError that `run` throws. */
export function refusalOf(run: () => unknown): ServiceError {
  try {
    run();
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error('nothing was refused');
}

/** The numbers of float32 vectors as a batch has them. */
export function floatsOf(vectors: Uint8Array): number[] {
  return [...new Float32Array(vectors.slice().buffer)];
}
