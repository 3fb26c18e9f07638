// Codes and factors against the references, and what they promise about distances.

import t from 'tap';
import type { KernelBits, KernelMetric } from '../../src/kernels/kernels.js';
import {
  BLOCK_VECTORS,
  blockBytes,
  codeBytes,
  TABLE_OUT_BYTES,
  tableBytes,
} from '../../src/kernels/layout.js';
import { Arena, gaussian, random } from './arena.js';
import * as reference from './reference.js';

const BITS: KernelBits[] = [1, 2, 4];

interface Encoded {
  codes: Uint8Array;
  factors: number[];
}

function encodeBlock(
  arena: Arena,
  residuals: ArrayLike<number>[],
  centroid: number,
  options: { dim: number; bits: KernelBits; metric: KernelMetric; usedDim: number },
): Encoded & { address: number } {
  const { dim, bits, metric, usedDim } = options;
  const block = arena.bytes(blockBytes(dim, bits));
  block.view.fill(0xa5);
  residuals.forEach((residual, lane) => {
    arena.kernels.encode(
      arena.floats(residual).address,
      centroid,
      dim,
      usedDim,
      bits,
      metric,
      block.address,
      lane,
    );
  });
  const codeTotal = codeBytes(dim, bits);
  return {
    address: block.address,
    codes: block.view.subarray(0, codeTotal),
    factors: Array.from(
      new Uint16Array(arena.memory.buffer, block.address + codeTotal, 3 * BLOCK_VECTORS),
      reference.floatOfHalf,
    ),
  };
}

t.test('each lane holds its own code, and factors follow from the code', async (t) => {
  for (const dim of [8, 40, 104, 768]) {
    for (const bits of BITS) {
      for (const metric of [0, 1, 2] as const) {
        const arena = new Arena();
        const next = random(dim * 10 + bits);
        const centroid = arena.floats(gaussian(next, dim));
        const residuals = Array.from({ length: BLOCK_VECTORS }, () => gaussian(next, dim, 0.3));
        const options = { dim, bits, metric, usedDim: dim };
        const { codes, factors } = encodeBlock(arena, residuals, centroid.address, options);
        residuals.forEach((residual, lane) => {
          const code = reference.readCode(codes, dim, bits, lane);
          const expected = reference.factors(residual, centroid.view, code, options);
          const got = [factors[lane], factors[lane + 32], factors[lane + 64]] as number[];
          [expected.add, expected.rescale, expected.error].forEach((value, i) => {
            const difference = Math.abs((got[i] as number) - value);
            if (difference > 2e-4 + 2 ** -8 * Math.abs(value))
              t.fail(`${dim}/${bits}/${metric}: factor ${i}: ${difference}`);
          });
          const middle = 2 ** (bits - 1);
          if (!code.every((value, i) => value >= middle === (residual[i] as number) > 0)) t.fail('sign bit');
        });
      }
    }
  }
});

t.test('writing one lane leaves the others as they are', async (t) => {
  const dim = 40;
  const bits = 2;
  const arena = new Arena();
  const next = random(2);
  const centroid = arena.floats(dim).address;
  const residuals = Array.from({ length: BLOCK_VECTORS }, () => gaussian(next, dim));
  const options = { dim, bits, metric: 0, usedDim: dim } as const;
  const { codes, address } = encodeBlock(arena, residuals, centroid, options);
  const before = residuals.map((_, lane) => reference.readCode(codes, dim, bits, lane));
  for (const lane of [0, 9, 15, 16, 24, 31]) {
    const residual = arena.floats(gaussian(next, dim)).address;
    arena.kernels.encode(residual, centroid, dim, dim, bits, 0, address, lane);
    before.forEach((code, other) => {
      const now = reference.readCode(codes, dim, bits, other);
      if (other === lane) before[other] = now;
      else t.strictSame(now, code, `lane ${other} after ${lane}`);
    });
  }
});

t.test('the scale of a code is close to the best there is', async (t) => {
  for (const bits of [2, 4] as const) {
    for (const dim of [8, 104, 256]) {
      const next = random(bits + dim);
      const residuals = Array.from({ length: BLOCK_VECTORS }, () => gaussian(next, dim));
      // Far from Gaussian: one coordinate that dominates, and constant magnitudes.
      residuals[0]?.fill(0.01).fill(7, 0, 1);
      residuals[1]?.fill(-0.25);
      const arena = new Arena();
      const centroid = arena.floats(dim).address;
      const options = { dim, bits, metric: 0, usedDim: dim } as const;
      const { codes } = encodeBlock(arena, residuals, centroid, options);
      let lost = 0;
      residuals.forEach((residual, lane) => {
        const xbar = reference.readCode(codes, dim, bits, lane).map((value) => value - (2 ** bits - 1) / 2);
        const norms = Math.sqrt(reference.dot(xbar, xbar) * reference.dot(residual, residual));
        const cosine = reference.dot(residual, xbar) / norms;
        lost = Math.max(lost, 1 - cosine / reference.bestCosine(residual, bits));
      });
      t.ok(lost < 0.01, `${bits} bits, ${dim} dimensions: loses ${lost}`);
    }
  }
});

t.test('a zero residual has factors that leave the constant alone', async (t) => {
  for (const bits of BITS) {
    for (const metric of [0, 1, 2] as const) {
      const arena = new Arena();
      const centroid = arena.floats(gaussian(random(1), 16)).address;
      const options = { dim: 16, bits, metric, usedDim: 16 };
      const { factors } = encodeBlock(arena, [new Float32Array(16)], centroid, options);
      t.strictSame([factors[0], factors[32], factors[64]], [0, 0, 0]);
    }
  }
});

interface Quality {
  bias: number;
  deviation: number;
  bounded: number;
}

/**
 * Errors of estimates, in units of |r||q - c| (of |r||q| for dot), and how many lower bounds hold, over random queries and
 * vectors.
 */
function quality(dim: number, bits: KernelBits, metric: KernelMetric): Quality {
  const arena = new Arena();
  const next = random(dim + bits + metric);
  const centroid = arena.floats(gaussian(next, dim));
  const residuals = Array.from({ length: BLOCK_VECTORS }, () => gaussian(next, dim));
  const options = { dim, bits, metric, usedDim: dim };
  const { address } = encodeBlock(arena, residuals, centroid.address, options);
  const tables = arena.allocate(tableBytes(dim));
  const tableOut = arena.allocate(TABLE_OUT_BYTES);
  const tombstones = arena.allocate(16);
  const query = arena.floats(dim);
  const errors: number[] = [];
  let bounded = 0;
  for (let round = 0; round < 60; round++) {
    query.view.set(gaussian(next, dim).map((value, i) => value + (centroid.view[i] as number)));
    arena.kernels.buildTables(query.address, dim, tables, tableOut);
    const gap = Math.sqrt(reference.distance(query.view, centroid.view, 0));
    const constant = metric === 2 ? -reference.dot(query.view, centroid.view) : gap ** 2;
    const place = { blocks: address, count: BLOCK_VECTORS, firstPosition: 0, tombstones, firstBit: 0 };
    const errorScale = metric === 2 ? Math.sqrt(reference.dot(query.view, query.view)) : gap;
    const leaf = arena.leaves([{ ...place, constant, errorScale }]);
    const buffer = arena.buffer(BLOCK_VECTORS);
    arena.kernels.scanLeaves(tables, tableOut, dim, bits, leaf, 1, buffer);
    arena.kernels.boundCandidates(buffer, tableOut, dim, bits, metric, 1);
    const { estimates, bounds } = arena.candidates(buffer);
    residuals.forEach((residual, lane) => {
      const vector = residual.map((value, i) => value + (centroid.view[i] as number));
      const exact = reference.distance(query.view, vector, metric === 2 ? 2 : 0);
      const size = errorScale * Math.sqrt(reference.dot(residual, residual));
      errors.push(((estimates[lane] as number) - exact) / size);
      if ((bounds[lane] as number) <= exact) bounded++;
    });
  }
  const bias = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
  return { bias, deviation, bounded: bounded / errors.length };
}

t.test('estimates are unbiased, bounded, and each bit halves their error', async (t) => {
  for (const dim of [104, 256]) {
    for (const metric of [0, 2] as const) {
      const [one, two, four] = BITS.map((bits) => quality(dim, bits, metric)) as [Quality, Quality, Quality];
      for (const found of [one, two, four]) {
        // For dot all errors share the place of the one centroid: 32 vectors do not average it out.
        const allowed = (metric === 2 ? 0.4 : 0.15) * found.deviation;
        t.ok(Math.abs(found.bias) < allowed, `bias ${found.bias} of ${found.deviation}`);
        t.ok(found.bounded >= 0.95, `bounded ${found.bounded}`);
      }
      t.ok(two.deviation < 0.6 * one.deviation, `2 bits err ${two.deviation / one.deviation} of 1`);
      t.ok(four.deviation < 0.25 * one.deviation, `4 bits err ${four.deviation / one.deviation} of 1`);
    }
  }
});

t.test('bounds hold where codes are so good that roundings count', async (t) => {
  for (const [dim, metric] of [
    [2048, 0],
    [4096, 0],
    [4096, 2],
  ] as const) {
    const { bounded } = quality(dim, 4, metric);
    t.ok(bounded >= 0.94, `${dim}, metric ${metric}: ${bounded}`);
  }
});
