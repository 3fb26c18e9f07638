// A vector on the wire: an array of numbers, or base64 of little-endian float32. Runs on any thread.

import { z } from 'zod';
import { ServiceError } from '../errors.js';
import { COSINE_SQUARED_NORM_MIN, DIMENSION_MAX, SQUARED_NORM_MAX } from '../limits.js';
import type { Metric } from './index-settings.js';

const FLOAT_BYTES = 4;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Told at once where all characters are one byte, as those of good base64 are. */
const BEYOND_LATIN1 = /[\u0100-\uffff]/;

const VECTOR_SCHEMA = {
  id: 'Vector',
  description:
    'Numbers, or the base64 text of little-endian float32 (smaller, and about 12 times faster to read), in the ' +
    'standard alphabet with `+` and `/`, padded, without whitespace. ' +
    `Kept and compared as float32: the squares of its numbers add up to at most ${SQUARED_NORM_MAX}, and with the ` +
    `cosine metric to at least ${COSINE_SQUARED_NORM_MIN}; others are refused with \`vector_out_of_range\`.`,
  oneOf: [
    { type: 'array', items: { type: 'number' }, minItems: 1, maxItems: DIMENSION_MAX },
    { type: 'string', contentEncoding: 'base64' },
  ],
  examples: [[0.12, -0.5, 0.33]],
};

/** Not yet decoded: a batch decodes it straight into its place. */
export const rawVector = z
  .custom<number[] | string>((value) => Array.isArray(value) || typeof value === 'string', {
    error: 'A vector is an array of numbers or a base64 string',
  })
  .meta(VECTOR_SCHEMA as Record<string, unknown>);

/** In a reply: numbers or base64 on the wire, a Float32Array until it is written. */
export const storedVector = rawVector as unknown as z.ZodType<Float32Array>;

/** Decoded; `checkVector` still has to compare it with a collection. */
export const vectorField = rawVector.transform((value, context): Float32Array => {
  const vector = new Float32Array(vectorLength(value));
  try {
    decodeVector(value, vector);
    checkFinite(vector);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const message = error.issues[0]?.message ?? error.message;
    const params = error.code === 'validation_failed' ? undefined : { error };
    context.addIssue({ code: 'custom', message, input: value, ...(params && { params }) });
  }
  return vector;
});

/**
 * Decodes into `target`, as long as the vector must be; NaN and infinity are left to `checkLength`. Fails at the first
 * bad number: thousands of issues for one vector would help nobody.
 * @throws validation_failed on what is no vector, dimension_mismatch
 */
export function decodeVector(value: number[] | string, target: Float32Array): void {
  if (typeof value === 'string') decodeBase64(value, target);
  else decodeNumbers(value, target);
}

/**
 * Refuses a vector that a collection cannot take.
 * @throws dimension_mismatch, vector_not_finite, vector_out_of_range, zero_vector (cosine only)
 */
export function checkVector(vector: Float32Array, dimension: number, metric: Metric): void {
  checkDimension(vector.length, dimension);
  checkLength(vector, metric);
}

/** @throws dimension_mismatch */
function checkDimension(actual: number, expected: number): void {
  if (actual !== expected) throw new ServiceError('dimension_mismatch', { actual, expected });
}

/**
 * Refuses a vector whose squared length float32 cannot work with. Computed in float64, in one pass: NaN and infinity
 * show in the sum.
 * @throws vector_not_finite, vector_out_of_range; zero_vector (cosine only: it has no direction)
 */
export function checkLength(vector: Float32Array, metric: Metric): void {
  let squared = 0;
  for (let i = 0; i < vector.length; i += 1) {
    const value = vector[i] as number;
    squared += value * value;
  }
  if (!(squared <= SQUARED_NORM_MAX)) {
    checkFinite(vector);
    throw outOfRange(squared, 'at most', SQUARED_NORM_MAX);
  }
  if (metric !== 'cosine') return;
  if (squared === 0) throw new ServiceError('zero_vector');
  if (squared < COSINE_SQUARED_NORM_MIN) throw outOfRange(squared, 'at least', COSINE_SQUARED_NORM_MIN);
}

/** The base64 text of a vector, as it is given back. Assumes a little-endian machine, as the files do. */
export function encodeVector(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

function decodeNumbers(values: readonly unknown[], target: Float32Array): void {
  checkDimension(values.length, target.length);
  for (let i = 0; i < target.length; i += 1) {
    const value = values[i];
    if (typeof value !== 'number') throw invalid(`Number ${i} of the vector is not a number`);
    target[i] = value;
  }
}

function decodeBase64(text: string, target: Float32Array): void {
  const byteLength = base64Bytes(text);
  if (text.length % 4 !== 0) throw badBase64();
  if (byteLength !== target.byteLength) {
    if (!BASE64.test(text)) throw badBase64();
    if (byteLength % FLOAT_BYTES !== 0) throw invalid(`${byteLength} bytes are no whole number of float32`);
    checkDimension(byteLength / FLOAT_BYTES, target.length);
  }
  // Node reads base64url, too, takes of a wide character the low byte, and skips what it does not know: the count of
  // bytes shows the last. All this takes a tenth of the time of the regular expression.
  if (text.includes('-') || text.includes('_') || BEYOND_LATIN1.test(text)) throw badBase64();
  const bytes = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
  if (bytes.write(text, 'base64') !== byteLength) throw badBase64();
}

/** How many floats the wire form holds; a fraction of base64 rounds down and fails in `decodeVector`. */
function vectorLength(value: number[] | string): number {
  if (typeof value !== 'string') return value.length;
  return Math.floor(base64Bytes(value) / FLOAT_BYTES);
}

/** Bytes that well-formed, padded base64 of this length decodes to. */
function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Math.max(0, Math.floor((text.length * 3) / 4) - padding);
}

function checkFinite(vector: Float32Array): void {
  for (let i = 0; i < vector.length; i += 1) {
    if (!Number.isFinite(vector[i])) throw new ServiceError('vector_not_finite', { index: i });
  }
}

function outOfRange(squared: number, bound: 'at most' | 'at least', limit: number): ServiceError {
  return new ServiceError('vector_out_of_range', { squaredNorm: squared.toPrecision(3), bound, limit });
}

function badBase64(): ServiceError {
  return invalid('The vector is not valid base64 (standard alphabet, padded, no whitespace)');
}

function invalid(message: string): ServiceError {
  return new ServiceError('validation_failed', {}, [{ path: '', message }]);
}
