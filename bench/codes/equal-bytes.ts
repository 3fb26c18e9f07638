// The share of the true nearest among the first candidates by estimate, for several kinds of codes of the same vectors.

import { completeSettings } from '../../src/index/settings.js';
import { buildInProcess } from '../coppice-in-process.js';
import { type Matrix, row } from '../data/split.js';
import { trueNeighbours } from '../data/true-neighbours.js';
import { matrixRows } from '../data/vector-rows.js';
import { cluster, ProductCodes, residualsOf } from './product-codes.js';

const K = 10;
const CANDIDATES = [10, 20, 40, 80, 160];
const LEAF_VECTORS = 265;
const CLUSTER_ITERATIONS = 6;
const SEED = 7;

const RABITQ_BITS = [1, 2, 4] as const;
/** Bits a group, dimensions in one. */
const PRODUCT_CODES = [
  { bits: 4, groupDimension: 4 },
  { bits: 4, groupDimension: 2 },
  { bits: 2, groupDimension: 1 },
  { bits: 4, groupDimension: 1 },
];

/** All vectors of unit length. One table row a kind; `bytesPerVector` are those of codes and factors. */
export async function compareAtEqualBytes(base: Matrix, queries: Matrix): Promise<object[]> {
  const truth = trueNeighbours(matrixRows(base), queries, K).rows.map((rows) => new Set(rows));
  const shareOf = (found: ArrayLike<number>[]): number => {
    const hits = found.map((rows, q) => Array.from(rows).filter((number) => truth[q]?.has(number)).length);
    return hits.reduce((sum, count) => sum + count, 0) / (K * queries.count);
  };
  const table: object[] = [];
  for (const bits of RABITQ_BITS) {
    const index = await buildInProcess(base, { metric: 'cosine', bits }, 2);
    const shares = CANDIDATES.map((candidates) => {
      // A rerank of so many candidates finds those of the true nearest that are among them.
      const effort = { k: K, probes: index.leaves, rerankFactor: candidates / K, exact: false };
      return shareOf(
        Array.from(
          { length: queries.count },
          (_, q) => index.search({ vector: row(queries, q), ...effort }).rows,
        ),
      );
    });
    const { dimension } = completeSettings({ dimension: base.dimension, metric: 'cosine' });
    table.push(line(`rabitq, ${bits} bits`, (dimension * bits) / 8 + 6, shares));
    await index.close();
  }
  const leaves = Math.ceil(base.count / LEAF_VECTORS);
  const clusters = cluster(base, leaves, CLUSTER_ITERATIONS, SEED);
  const residuals = residualsOf(base, clusters);
  for (const kind of PRODUCT_CODES) {
    const codes = new ProductCodes(residuals, kind);
    const orders = Array.from({ length: queries.count }, (_, q) =>
      smallest(codes.estimates(row(queries, q), clusters), Math.max(...CANDIDATES)),
    );
    const shares = CANDIDATES.map((candidates) => shareOf(orders.map((order) => order.slice(0, candidates))));
    const groups = kind.groupDimension === 1 ? 'each dimension' : `${kind.groupDimension} dimensions`;
    table.push(line(`product, ${kind.bits} bits for ${groups}`, codes.bytesPerVector, shares));
  }
  return table;
}

function line(codes: string, bytesPerVector: number, shares: number[]): object {
  const columns = CANDIDATES.map((candidates, i) => [`first ${candidates}`, shares[i]]);
  return { codes, bytesPerVector, ...Object.fromEntries(columns) };
}

/** Numbers of the `count` smallest values, ascending. */
function smallest(values: Float32Array, count: number): number[] {
  const limit = values.toSorted()[Math.min(count, values.length) - 1] as number;
  const numbers: number[] = [];
  values.forEach((value, number) => {
    if (value <= limit) numbers.push(number);
  });
  return numbers.sort((a, b) => (values[a] as number) - (values[b] as number)).slice(0, count);
}
