// Distances of rows next to the query: exactly 0 from what is equal, and as fine as float32 beside it.

import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Precision } from '../../src/contract/index-settings.js';
import { loadVector, rowBytes, storeVector } from '../../src/contract/stored-vector.js';
import { compiledKernels, type KernelMetric } from '../../src/kernels/kernels.js';
import {
  METRIC_NUMBER,
  OVERRUN_BYTES,
  PRECISION_NUMBER,
  quantizedQueryBytes,
} from '../../src/kernels/layout.js';
import { Arena, gaussian, random } from './arena.js';
import * as reference from './reference.js';

const PRECISIONS = ['float32', 'float16', 'int8'] as const;
const DIMENSIONS = [2, 3, 5, 7, 8, 9, 15, 16, 17, 33, 101, 768, 1537, 4096];
const SCALES = [1e-12, 1e-5, 1, 3e4, 1e12];
const { l2, cosine, dot } = METRIC_NUMBER;
/** Directions this close may count as one; four roundings of a vector's numbers to float32 turn it as far. */
const DIRECTION_ERROR = 2 ** -22;

const BASELINE_FILE = new URL('../../src/kernels/kernels.wasm', import.meta.url);
const MODULES = [
  { name: "this engine's kernels", module: compiledKernels() },
  { name: 'baseline kernels', module: new WebAssembly.Module(readFileSync(BASELINE_FILE)) },
];

/** Address of the query in the form that a search compares with rows of this precision. */
function prepare(arena: Arena, vector: Float32Array, metric: KernelMetric, precision: Precision): number {
  const dim = vector.length;
  const query = arena.floats(Math.ceil(dim / 8) * 8);
  query.view.set(vector);
  if (metric === cosine) arena.kernels.normalize(query.address, dim);
  if (precision !== 'int8') return query.address;
  const quantized = arena.allocate(quantizedQueryBytes(dim));
  arena.kernels.quantizeQuery(query.address, dim, quantized);
  return quantized;
}

/** Rows as they are stored, and as they are given back. */
function place(arena: Arena, vectors: Float32Array[], precision: Precision) {
  const shape = { dimension: (vectors[0] as Float32Array).length, precision };
  const stride = rowBytes(shape);
  const { address, view } = arena.bytes(vectors.length * stride + OVERRUN_BYTES);
  vectors.forEach((vector, i) => {
    storeVector(vector, precision, view, i * stride);
  });
  const back = vectors.map((_, i) => loadVector(view.subarray(i * stride, (i + 1) * stride), shape));
  return { address, back };
}

function distances(
  arena: Arena,
  query: Float32Array,
  rows: { address: number; back: Float32Array[] },
  metric: KernelMetric,
  precision: Precision,
): number[] {
  const count = rows.back.length;
  const buffer = arena.buffer(count);
  const positions = arena.words(count);
  const prepared = prepare(arena, query, metric, precision);
  const number = PRECISION_NUMBER[precision];
  arena.kernels.pushRows(
    ...([prepared, rows.address, positions.address, count, query.length, metric, number, buffer] as const),
  );
  return arena.candidates(buffer).estimates;
}

/** Each number off by up to this share of the vector's typical one, at random. */
function perturbed(vector: Float32Array, share: number, next: () => number): Float32Array {
  const typical = Math.sqrt(reference.dot(vector, vector) / vector.length);
  return vector.map((value) => value + share * typical * (2 * next() - 1));
}

/** Pairs that are not found in the order of their true distances' roots, though those differ by more than `blur`. */
function misplaced(found: number[], roots: number[], blur: number): [number, number][] {
  const pairs = roots.flatMap((root, i) =>
    roots.flatMap((other, j): [number, number][] => (other - root > blur + 1e-5 * root ? [[i, j]] : [])),
  );
  return pairs.filter(([i, j]) => !((found[i] as number) < (found[j] as number)));
}

function scaled(vector: Float32Array, factor: number): Float32Array {
  return vector.map((value) => value * factor);
}

for (const { name, module } of MODULES) {
  for (const precision of PRECISIONS) {
    t.test(
      `${name}, ${precision}: what is given back is at 0 from itself, and so is its direction`,
      async (t) => {
        for (const dim of DIMENSIONS) {
          const next = random(dim);
          for (const scale of SCALES) {
            const arena = new Arena(2 ** 22, 64, module);
            const rows = place(arena, [gaussian(next, dim, scale), gaussian(next, dim, scale)], precision);
            for (const [i, vector] of rows.back.entries()) {
              const told = `dim ${dim} x ${scale}`;
              t.equal(distances(arena, vector, rows, l2, precision)[i], 0, `l2, ${told}`);
              for (const factor of [1, 3, 1 / 7, 0.01]) {
                const [distance, other] = [i, 1 - i].map(
                  (at) => distances(arena, scaled(vector, factor), rows, cosine, precision)[at],
                );
                t.equal(distance, 0, `cosine, ${told} x ${factor}`);
                t.ok((other as number) > 0 || dim < 3);
              }
            }
          }
        }
      },
    );

    t.test(`${name}, ${precision}: distances of near-duplicates are as fine as float32`, async (t) => {
      for (const dim of DIMENSIONS) {
        const next = random(100 + dim);
        for (const scale of SCALES) {
          const arena = new Arena(2 ** 22, 64, module);
          const rows = place(arena, [gaussian(next, dim, scale)], precision);
          const row = rows.back[0] as Float32Array;
          for (const share of [1e-6, 1e-5, 1e-4, 1e-3, 1e-2]) {
            const query = perturbed(row, share, next);
            for (const metric of [l2, cosine]) {
              const [distance] = distances(arena, query, rows, metric, precision);
              const expected = Math.sqrt(reference.distance(query, row, metric));
              const error = Math.sqrt(distance as number) - expected;
              const blur = metric === cosine ? DIRECTION_ERROR : 0;
              t.ok(Math.abs(error) <= 1e-5 * expected + blur, `${dim} ${scale} ${share} ${metric}: ${error}`);
            }
          }
        }
      }
    });
  }

  t.test(`${name}: near-duplicates stand in the order of their true distances`, async (t) => {
    for (const dim of [3, 20, 101, 768]) {
      for (const metric of [l2, cosine]) {
        const next = random(7 * dim);
        const arena = new Arena(2 ** 22, 64, module);
        const query = gaussian(next, dim);
        const shares = Array.from({ length: 200 }, () => 10 ** (-6 + 3 * next()));
        const vectors = shares.map((share) => perturbed(query, share, next));
        const found = distances(arena, query, place(arena, vectors, 'float32'), metric, 'float32');
        const roots = vectors.map((vector) => Math.sqrt(reference.distance(query, vector, metric)));
        const blur = metric === cosine ? DIRECTION_ERROR : 0;
        t.same(misplaced(found, roots, blur), [], `dim ${dim} metric ${metric}`);
      }
    }
  });
}

t.test(
  'what differs in the last places only is told apart by l2, and is one direction by cosine',
  async (t) => {
    const arena = new Arena();
    const vector = Float32Array.of(1, 2, 3, 4, 5);
    const beside = Float32Array.of(1, 2, 3, 4 + 2 ** -21, 5);
    const rows = place(arena, [vector, beside], 'float32');
    t.same(distances(arena, vector, rows, l2, 'float32'), [0, 2 ** -42]);
    t.same(distances(arena, vector, rows, cosine, 'float32'), [0, 0]);
  },
);

t.test('opposite, orthogonal and zero rows are where they were', async (t) => {
  for (const precision of PRECISIONS) {
    const arena = new Arena();
    const rows = place(
      arena,
      [
        [-1, 1, 0],
        [1, 1, 0],
        [0, 0, 7],
        [0, 0, 0],
      ].map((row) => Float32Array.from(row)),
      precision,
    );
    const found = distances(arena, Float32Array.of(2, -2, 0), rows, cosine, precision);
    t.ok(
      found.every((distance, i) => Math.abs(distance - [4, 2, 2, 2][i]!) < 1e-6),
      `${found}`,
    );
  }
});

t.test('inner products are as exact as float32; with int8 rows, as a query of 16 bits', async (t) => {
  for (const precision of PRECISIONS) {
    const next = random(9);
    for (const dim of DIMENSIONS) {
      const arena = new Arena();
      const query = gaussian(next, dim);
      const rows = place(arena, [gaussian(next, dim), query, scaled(query, -1e-3)], precision);
      const found = distances(arena, query, rows, dot, precision);
      rows.back.forEach((row, i) => {
        const size = reference.dot(query.map(Math.abs), row.map(Math.abs));
        const error = Math.abs((found[i] as number) + reference.dot(query, row));
        t.ok(error <= size * (precision === 'int8' ? 2 ** -14 : 2 ** -21), `${dim}: ${error} of ${size}`);
      });
    }
  }
});
