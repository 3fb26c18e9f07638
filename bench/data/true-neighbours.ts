// The true nearest rows of queries, by comparing each query with every row: what recall is measured against.

import { instantiateKernels } from '../../src/kernels/kernels.js';
import { METRIC_NUMBER } from '../../src/kernels/layout.js';
import { type Matrix, row } from './split.js';
import type { VectorRows } from './vector-rows.js';

/** A block of rows stays in the cache while all queries are compared with it. */
const BLOCK_BYTES = 2 ** 19;
const PAGE_BYTES = 65_536;
const ALIGNMENT_BYTES = 64;

export interface TrueNeighbours {
  /** Of each query: row numbers, nearest first. */
  rows: Uint32Array[];
  /** Of each query: Euclidean distances of those rows. */
  distances: Float32Array[];
  /** Of each query: mean Euclidean distance of all rows. */
  meanDistances: number[];
}

/** The `k` nearest by Euclidean distance; of unit vectors these are the nearest by cosine too. */
export function trueNeighbours(
  base: VectorRows,
  queries: Matrix,
  k: number,
  onProgress: (share: number) => void = () => {},
): TrueNeighbours {
  const { dimension } = base;
  const stride = dimension * Float32Array.BYTES_PER_ELEMENT;
  const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / stride));
  const queriesAt = ALIGNMENT_BYTES;
  const rowsAt = aligned(queriesAt + queries.count * stride);
  const outAt = aligned(rowsAt + blockRows * stride);
  const pages = Math.ceil((outAt + blockRows * Float32Array.BYTES_PER_ELEMENT) / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: PAGE_BYTES, shared: true });
  const kernels = instantiateKernels(memory);
  new Float32Array(memory.buffer, queriesAt, queries.count * dimension).set(queries.values);
  const block = new Float32Array(memory.buffer, rowsAt, blockRows * dimension);
  const squared = new Float32Array(memory.buffer, outAt, blockRows);
  const nearest = Array.from({ length: queries.count }, () => new Nearest(k));

  for (let first = 0; first < base.count; first += blockRows) {
    const count = Math.min(blockRows, base.count - first);
    block.set(base.read(first, count));
    for (const [query, found] of nearest.entries()) {
      kernels.distances(queriesAt + query * stride, rowsAt, count, dimension, METRIC_NUMBER.l2, outAt);
      found.offer(squared, count, first);
    }
    onProgress((first + count) / base.count);
  }
  return {
    rows: nearest.map(({ rows }) => rows),
    distances: nearest.map(({ squares }) => squares.map(Math.sqrt)),
    meanDistances: nearest.map(({ distanceSum }) => distanceSum / base.count),
  };
}

/** The neighbours of one query so far, kept in order. */
class Nearest {
  readonly rows: Uint32Array;
  readonly squares: Float32Array;
  distanceSum = 0;

  constructor(k: number) {
    this.rows = new Uint32Array(k);
    this.squares = new Float32Array(k).fill(Number.POSITIVE_INFINITY);
  }

  offer(squared: Float32Array, count: number, first: number): void {
    const last = this.squares.length - 1;
    let farthest = this.squares[last] as number;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const square = squared[i] as number;
      sum += Math.sqrt(square);
      if (square >= farthest) continue;
      let at = last;
      for (; at > 0 && (this.squares[at - 1] as number) > square; at--) {
        this.squares[at] = this.squares[at - 1] as number;
        this.rows[at] = this.rows[at - 1] as number;
      }
      this.squares[at] = square;
      this.rows[at] = first + i;
      farthest = this.squares[last] as number;
    }
    this.distanceSum += sum;
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

/** Rows of one matrix as queries. */
export function pickRows(rows: VectorRows, numbers: number[]): Matrix {
  const { dimension } = rows;
  const picked = { count: numbers.length, dimension, values: new Float32Array(numbers.length * dimension) };
  for (const [index, number] of numbers.entries()) row(picked, index).set(rows.read(number, 1));
  return picked;
}
