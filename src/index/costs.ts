// What the parts of a search cost a thread, about. One place for all who plan by it. Runs on any thread.

import { codeDimension, type IndexSettings } from './settings.js';

/** Matches are all compared exactly where that takes no more than ranking leaves, scanning codes and reranking does. */
export const EXACT_NS_MAX = 600_000;
/** Of a full vector that is read alone, and more for each of its bytes. */
const VECTOR_NS = 100;
const BYTE_NS = 0.125;
/** Of a code that is scanned, and more for each of its bytes. */
const CODE_NS = 3;
const CODE_BYTE_NS = 0.1;

/** Scanning so many codes. */
export function codesNs({ dimension, bits }: IndexSettings, count: number): number {
  const codeBytes = (codeDimension(dimension) * bits) / 8;
  return count * (CODE_NS + codeBytes * CODE_BYTE_NS);
}

/** Comparing so many vectors exactly, each read for itself. */
export function matchesNs(matches: number, rowBytes: number): number {
  return matches * (VECTOR_NS + rowBytes * BYTE_NS);
}
