// Product quantization of residuals, to be compared with the service's codes at equal bytes: each group of dimensions is
// one of 2^bits centroids of its own. A group of one dimension is scalar quantization with the best levels.
// Source: Jégou et al., Product quantization for nearest neighbor search (TPAMI 2011).

import { seededRandom } from '../../src/index/random.js';
import { type Matrix, row } from '../data/split.js';

const TRAINED_MAX = 10_000;
const ITERATIONS = 8;

export interface Clusters {
  centroids: Matrix;
  /** The centroid of each row. */
  nearest: Uint32Array;
}

/** Lloyd's k-means of all rows, from random ones. */
export function cluster(rows: Matrix, count: number, iterations: number, seed: number): Clusters {
  const { dimension } = rows;
  const random = seededRandom(seed);
  const centroids = { dimension, count, values: new Float32Array(count * dimension) };
  for (let c = 0; c < count; c++)
    centroids.values.set(row(rows, Math.floor(random() * rows.count)), c * dimension);
  let nearest = assign(rows, centroids);
  for (let i = 0; i < iterations; i++) {
    average(rows, nearest, centroids);
    nearest = assign(rows, centroids);
  }
  return { centroids, nearest };
}

/** Rows minus the centroids they belong to. */
export function residualsOf(rows: Matrix, { centroids, nearest }: Clusters): Matrix {
  const { dimension } = rows;
  const values = rows.values.slice(0, rows.count * dimension);
  for (let i = 0; i < rows.count; i++) {
    const centroid = row(centroids, nearest[i] as number);
    for (let j = 0; j < dimension; j++) {
      values[i * dimension + j] = (values[i * dimension + j] as number) - (centroid[j] as number);
    }
  }
  return { dimension, count: rows.count, values };
}

export class ProductCodes {
  readonly bytesPerVector: number;
  readonly #groups: { first: number; clusters: Clusters }[] = [];
  readonly #bits: number;

  constructor(residuals: Matrix, { bits, groupDimension }: { bits: number; groupDimension: number }) {
    this.#bits = bits;
    for (let first = 0; first < residuals.dimension; first += groupDimension) {
      const columns = columnsOf(residuals, first, Math.min(residuals.dimension, first + groupDimension));
      const count = Math.min(TRAINED_MAX, columns.count);
      const sample = { ...columns, count };
      const { centroids } = cluster(sample, 2 ** bits, ITERATIONS, first + 1);
      this.#groups.push({ first, clusters: { centroids, nearest: assign(columns, centroids) } });
    }
    this.bytesPerVector = (this.#groups.length * bits) / 8;
  }

  /** Estimates of the squared distances of all rows to a query, through tables of exact distances (no rounding). */
  estimates(query: Float32Array, { centroids, nearest }: Clusters): Float32Array {
    const levels = 2 ** this.#bits;
    const tables = new Float32Array(centroids.count * this.#groups.length * levels);
    for (let c = 0; c < centroids.count; c++) {
      const offset = query.map((value, j) => value - (row(centroids, c)[j] as number));
      this.#groups.forEach(({ first, clusters }, g) => {
        for (let level = 0; level < levels; level++) {
          tables[(c * this.#groups.length + g) * levels + level] = squaredDistance(
            offset.subarray(first),
            row(clusters.centroids, level),
          );
        }
      });
    }
    return Float32Array.from(nearest, (c, i) =>
      this.#groups.reduce(
        (sum, { clusters }, g) =>
          sum + (tables[(c * this.#groups.length + g) * levels + (clusters.nearest[i] as number)] as number),
        0,
      ),
    );
  }
}

function columnsOf(matrix: Matrix, first: number, end: number): Matrix {
  const dimension = end - first;
  const values = new Float32Array(matrix.count * dimension);
  for (let i = 0; i < matrix.count; i++) values.set(row(matrix, i).subarray(first, end), i * dimension);
  return { dimension, count: matrix.count, values };
}

function assign(rows: Matrix, centroids: Matrix): Uint32Array {
  const centres = Array.from({ length: centroids.count }, (_, c) => row(centroids, c));
  return Uint32Array.from({ length: rows.count }, (_, i) => {
    const vector = row(rows, i);
    let [best, nearest] = [Number.POSITIVE_INFINITY, 0];
    for (let c = 0; c < centres.length; c++) {
      const distance = squaredDistance(vector, centres[c] as Float32Array);
      if (distance < best) [best, nearest] = [distance, c];
    }
    return nearest;
  });
}

/** An empty cluster keeps its centroid. */
function average(rows: Matrix, nearest: Uint32Array, { values, count, dimension }: Matrix): void {
  const sums = new Float64Array(values.length);
  const counts = new Uint32Array(count);
  for (let i = 0; i < rows.count; i++) {
    const c = nearest[i] as number;
    counts[c] = (counts[c] as number) + 1;
    for (let j = 0; j < dimension; j++) {
      sums[c * dimension + j] =
        (sums[c * dimension + j] as number) + (rows.values[i * dimension + j] as number);
    }
  }
  for (let at = 0; at < values.length; at++) {
    const members = counts[Math.floor(at / dimension)] as number;
    if (members > 0) values[at] = (sums[at] as number) / members;
  }
}

/** Over the dimensions of `b`. */
function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let j = 0; j < b.length; j++) sum += ((a[j] as number) - (b[j] as number)) ** 2;
  return sum;
}
