// Directories, vectors and damage for the tests of storage.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceError } from '../../src/errors.js';

interface Teardown {
  teardown(run: () => void): void;
}

/** A directory that goes away with its test. */
export function temporaryDirectory(t: Teardown): string {
  const path = mkdtempSync(join(tmpdir(), 'coppice-storage-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The vector that tests store in a row: every number tells its place. */
export function vectorOfRow(row: number, dimension: number): Float32Array {
  return Float32Array.from({ length: dimension }, (_, index) => row + index / 1024);
}

export function vectorsOfRows(first: number, count: number, dimension: number): Float32Array {
  const vectors = new Float32Array(count * dimension);
  for (let index = 0; index < count; index++)
    vectors.set(vectorOfRow(first + index, dimension), index * dimension);
  return vectors;
}

export function bytesOf(vectors: Float32Array): Uint8Array {
  return new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
}

/** The numbers of a stored float32 vector. */
export function numbersOf(row: Uint8Array): number[] {
  return [...new Float32Array(row.slice().buffer)];
}

export function flipBit(path: string, byte: number, bit = 0): void {
  const bytes = readFileSync(path);
  bytes[byte] = (bytes[byte] as number) ^ (1 << bit);
  writeFileSync(path, bytes);
}

/** The code of the ServiceError that a piece of work ends with; `none` when it does not fail. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'none';
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}
