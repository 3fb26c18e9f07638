// Distances to stored rows of float16 and int8, and their decoding, against the references.

import t from 'tap';
import { loadVector, rowBytes, storeVector } from '../../src/contract/stored-vector.js';
import type { KernelMetric } from '../../src/kernels/kernels.js';
import { OVERRUN_BYTES, PRECISION_NUMBER, quantizedQueryBytes } from '../../src/kernels/layout.js';
import { Arena, gaussian, random } from './arena.js';
import * as reference from './reference.js';

const METRICS: KernelMetric[] = [0, 1, 2];
const COMPACT = ['float16', 'int8'] as const;
const DIMENSIONS = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 103, 768, 1537, 4096];

type Compact = (typeof COMPACT)[number];

/** Stored rows in wasm memory, from an address that is not aligned, with garbage behind them. */
function place(arena: Arena, vectors: Float32Array[], precision: Compact) {
  const shape = { dimension: (vectors[0] as Float32Array).length, precision };
  const stride = rowBytes(shape);
  const area = arena.bytes(4 + vectors.length * stride + OVERRUN_BYTES);
  area.view.fill(0xa5);
  vectors.forEach((vector, i) => {
    storeVector(vector, precision, area.view, 4 + i * stride);
  });
  const rows = vectors.map((_, i) =>
    loadVector(area.view.subarray(4 + i * stride, 4 + (i + 1) * stride), shape),
  );
  return { address: area.address + 4, stride, rows };
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(reference.dot(vector, vector));
  return vector.map((value) => value / norm);
}

/** Address of the query as rows of this precision are compared with it. */
function queryFor(arena: Arena, vector: Float32Array, precision: Compact): number {
  const query = arena.floats(vector).address;
  if (precision === 'float16') return query;
  const quantized = arena.allocate(quantizedQueryBytes(vector.length));
  arena.kernels.quantizeQuery(query, vector.length, quantized);
  return quantized;
}

function pushed(
  arena: Arena,
  query: number,
  rows: number,
  count: number,
  dim: number,
  metric: KernelMetric,
  precision: Compact,
) {
  const buffer = arena.buffer(count);
  const positions = arena.words(Array.from({ length: count }, (_, i) => 10 + i));
  const number = PRECISION_NUMBER[precision];
  arena.kernels.pushRows(query, rows, positions.address, count, dim, metric, number, buffer);
  return arena.candidates(buffer);
}

for (const precision of COMPACT) {
  t.test(`${precision}: distances of every dimension and metric equal the reference`, async (t) => {
    const next = random(precision.length);
    for (const dim of DIMENSIONS) {
      const arena = new Arena();
      const vectors = Array.from({ length: 5 }, () => gaussian(next, dim));
      vectors[1] = new Float32Array(dim);
      const { address, rows } = place(arena, vectors, precision);
      const query = unit(gaussian(next, dim));
      const prepared = queryFor(arena, query, precision);
      for (const metric of METRICS) {
        const { estimates, positions } = pushed(arena, prepared, address, 5, dim, metric, precision);
        t.strictSame(positions, [10, 11, 12, 13, 14]);
        rows.forEach((row, i) => {
          const expected = reference.distance(query, row, metric);
          const size = 1 + Math.sqrt(reference.dot(row, row));
          const difference = Math.abs((estimates[i] as number) - expected);
          t.ok(difference <= 1e-4 * size, `dim ${dim} metric ${metric} row ${i}: ${difference}`);
        });
      }
    }
  });

  t.test(
    `${precision}: a row is at no distance from itself, wherever it stands and however long it is`,
    async (t) => {
      for (const factor of [1e-9, 1, 1e9]) {
        for (const dim of [3, 100, 101, 768]) {
          const arena = new Arena();
          const vector = gaussian(random(dim), dim).map((value) => value * factor);
          const { address, rows } = place(arena, [vector, vector, vector], precision);
          const query = rows[0] as Float32Array;
          const prepared = queryFor(arena, query, precision);
          const { estimates } = pushed(arena, prepared, address, 3, dim, 0, precision);
          t.same(estimates, [0, 0, 0], `dim ${dim} x ${factor}`);
          const direction = queryFor(arena, unit(query), precision);
          const angles = pushed(arena, direction, address, 3, dim, 1, precision).estimates;
          t.same(angles, [0, 0, 0], `cosine, dim ${dim} x ${factor}`);
        }
      }
    },
  );

  t.test(`${precision}: rows are decoded to the same numbers as in JavaScript`, async (t) => {
    for (const dim of DIMENSIONS) {
      const arena = new Arena();
      const { address, stride, rows } = place(
        arena,
        [gaussian(random(dim), dim), gaussian(random(dim + 1), dim, 1e-7)],
        precision,
      );
      const out = arena.floats(dim + 1);
      out.view[dim] = 77;
      rows.forEach((row, i) => {
        arena.kernels.decodeRow(address + i * stride, dim, PRECISION_NUMBER[precision], out.address);
        t.ok(
          row.every((value, j) => value === out.view[j]),
          `dim ${dim} row ${i}`,
        );
      });
      t.equal(out.view[dim], 77, 'nothing is written behind');
    }
  });

  t.test(`${precision}: the dead are not pushed`, async (t) => {
    const arena = new Arena();
    const { address } = place(
      arena,
      Array.from({ length: 5 }, (_, i) => Float32Array.of(i, 0, 0)),
      precision,
    );
    const query = queryFor(arena, Float32Array.of(1, 0, 0), precision);
    const tombstones = arena.bytes(16);
    tombstones.view[0] = 0b0101_0000;
    const buffer = arena.buffer(8);
    const number = PRECISION_NUMBER[precision];
    arena.kernels.pushExact(query, address, 5, 3, 0, number, 40, tombstones.address, 3, buffer);
    const { estimates, positions } = arena.candidates(buffer);
    t.strictSame(positions, [40, 42, 44]);
    estimates.forEach((estimate, i) => {
      t.ok(Math.abs(estimate - (2 * i - 1) ** 2) < 1e-3);
    });
  });
}

t.test('float32 rows are decoded by copying', async (t) => {
  const arena = new Arena();
  const row = arena.floats([1, -2, Math.fround(1e-40)]);
  const out = arena.floats(4);
  arena.kernels.decodeRow(row.address, 3, PRECISION_NUMBER.float32, out.address);
  t.strictSame([...out.view], [1, -2, Math.fround(1e-40), 0]);
});

t.test('a query keeps 16 bits of each coordinate; one of zeros stays so', async (t) => {
  const arena = new Arena();
  const numbers = Float32Array.of(0.5, -1, 0.1, 0);
  const query = arena.floats(numbers);
  const out = arena.allocate(quantizedQueryBytes(4));
  arena.kernels.quantizeQuery(query.address, 4, out);
  const [step, squares] = new Float64Array(arena.memory.buffer, out, 2) as unknown as [number, number];
  const quantized = [...new Int16Array(arena.memory.buffer, out + 16, 16)];
  t.strictSame(quantized.slice(1, 2), [-32767]);
  t.same(quantized.slice(4), new Array(12).fill(0));
  t.equal(squares, reference.dot(quantized, quantized));
  numbers.forEach((value, i) => {
    t.ok(Math.abs(value - step * (quantized[i] as number)) <= step / 1.99);
  });
  query.view.fill(0);
  arena.kernels.quantizeQuery(query.address, 4, out);
  t.strictSame([...new Float64Array(arena.memory.buffer, out, 2)], [0, 0]);
});

t.test('the largest sums of int8 products do not overflow', async (t) => {
  const dim = 4096;
  const arena = new Arena();
  const ones = new Float32Array(dim).fill(1);
  const { address } = place(arena, [ones, ones.map((value) => -value)], 'int8');
  const query = queryFor(arena, ones, 'int8');
  const { estimates } = pushed(arena, query, address, 2, dim, 2, 'int8');
  t.ok(Math.abs((estimates[0] as number) + dim) < 0.01, `${estimates}`);
  t.ok(Math.abs((estimates[1] as number) - dim) < 0.01);
});
