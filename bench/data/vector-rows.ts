// Rows of vectors that are read a block at a time: in memory, or in a file that may be larger than it.

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { type Matrix, row } from './split.js';

export interface VectorRows {
  readonly count: number;
  readonly dimension: number;
  /** Rows [first, first + count), row-major. */
  read(first: number, count: number): Float32Array;
}

/** Node reads less than 2 GiB at once. */
const READ_BYTES_MAX = 2 ** 30;

/** Little-endian float32, row by row, and nothing else. */
export class VectorFile implements VectorRows {
  readonly path: string;
  readonly count: number;
  readonly dimension: number;
  readonly #fd: number;

  constructor(path: string, dimension: number) {
    this.path = path;
    this.dimension = dimension;
    this.count = statSync(path).size / (dimension * Float32Array.BYTES_PER_ELEMENT);
    if (!Number.isInteger(this.count)) throw new RangeError(`${path} does not end with a whole row`);
    this.#fd = openSync(path, 'r');
  }

  read(first: number, count: number): Float32Array {
    const values = new Float32Array(count * this.dimension);
    const start = first * this.dimension * Float32Array.BYTES_PER_ELEMENT;
    for (let done = 0; done < values.byteLength; ) {
      const length = Math.min(values.byteLength - done, READ_BYTES_MAX);
      const bytes = readSync(this.#fd, values, done, length, start + done);
      if (bytes === 0) throw new RangeError(`${this.path} has no rows ${first} + ${count}`);
      done += bytes;
    }
    return values;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

export function matrixRows(matrix: Matrix): VectorRows {
  const { count, dimension, values } = matrix;
  return {
    count,
    dimension,
    read: (first, wanted) => values.subarray(first * dimension, (first + wanted) * dimension),
  };
}

export function wholeMatrix(rows: VectorRows): Matrix {
  const { count, dimension } = rows;
  return { count, dimension, values: rows.read(0, count) };
}

/** To unit length, in place; zero vectors stay. */
export function normalizeRows(matrix: Matrix): Matrix {
  for (let i = 0; i < matrix.count; i++) {
    const vector = row(matrix, i);
    let squares = 0;
    for (const value of vector) squares += value * value;
    if (squares === 0) continue;
    const scale = 1 / Math.sqrt(squares);
    for (let j = 0; j < vector.length; j++) vector[j] = (vector[j] as number) * scale;
  }
  return matrix;
}
