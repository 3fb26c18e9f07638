// Writes vectors and scores as JSON text. Main thread.

import { encodeVector } from '../contract/vector.js';
import type { Encoding } from './params.js';

/** Digits that always bring the same float32 back. */
const FLOAT32_DIGITS_MAX = 9;
const FLOAT32_MAX = 3.4028234663852886e38;

export function vectorText(vector: Float32Array, encoding: Encoding): string {
  if (encoding === 'base64') return `"${encodeVector(vector)}"`;
  const numbers = new Array<string>(vector.length);
  for (let i = 0; i < vector.length; i += 1) numbers[i] = float32Text(vector[i] as number);
  return `[${numbers.join(',')}]`;
}

/** The shortest of 7 to 9 digits that reads back as the same float32: 0.12, not 0.11999999731779099. */
export function float32Text(value: number): string {
  if (Number.isInteger(value)) return String(value);
  for (let digits = 7; digits < FLOAT32_DIGITS_MAX; digits += 1) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(FLOAT32_DIGITS_MAX)));
}

/** JSON has no infinity: a score that overflowed float32 is written as its largest number. */
export function scoreText(score: number): string {
  if (Number.isFinite(score)) return String(score);
  return String(score > 0 ? FLOAT32_MAX : -FLOAT32_MAX);
}
