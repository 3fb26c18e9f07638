// Tables, FastScan and Hamming scans against the references.

import t from 'tap';
import type { KernelBits } from '../../src/kernels/kernels.js';
import { BUFFER, blockBytes, codeBytes, signWords, tableBytes } from '../../src/kernels/layout.js';
import { Arena, gaussian, random } from './arena.js';
import * as reference from './reference.js';
import { factorsOf, scene } from './scene.js';

const BITS: KernelBits[] = [1, 2, 4];

t.test('tables give back <u, q> of every code within half a step a group', async (t) => {
  for (const dim of [8, 40, 104, 768]) {
    for (const bits of BITS) {
      const { arena, tables, tableOut } = scene(dim, bits, 1);
      const next = random(7);
      const query = gaussian(random(dim + bits), dim);
      const [scale, minima, sum] = tableOut.view as unknown as [number, number, number];
      t.ok(Math.abs(sum - query.reduce((total, value) => total + value, 0)) < 1e-4);
      t.equal(Math.max(...tables.view), 63, 'the whole range is used');
      for (let round = 0; round < 20; round++) {
        const block = arena.bytes(codeBytes(dim, bits)).view.map(() => Math.floor(next() * 256));
        const code = reference.readCode(block, dim, bits, round);
        const looked = reference.lookUpSum(tables.view, block, { dim, bits }, round);
        const estimate = scale * looked + (2 ** bits - 1) * minima;
        const difference = Math.abs(estimate - reference.dot(code, query));
        if (difference > 0.51 * scale * (dim / 4) * (2 ** bits - 1)) t.fail(`${dim}/${bits}: ${difference}`);
      }
    }
  }
});

t.test('a zero query has scale 0 and no NaN', async (t) => {
  for (const tiny of [0, 1e-42]) {
    const arena = new Arena();
    const query = arena.floats(new Float32Array(16).fill(tiny));
    const tables = arena.bytes(tableBytes(16));
    const out = arena.floats(4);
    arena.kernels.buildTables(query.address, 16, tables.address, out.address);
    t.equal(out.view[0], 0);
    t.ok(tables.view.every((value) => value === 0) && out.view.every(Number.isFinite));
  }
});

t.test('estimates of a leaf of any size equal the reference, up to the largest dimension', async (t) => {
  for (const [dim, bits] of [
    [8, 1],
    [16, 2],
    [40, 4],
    [104, 2],
    [768, 1],
    [2048, 1],
    [2056, 1],
    [1032, 2],
    [4096, 4],
  ] as const) {
    const { arena, tables, tableOut, blocks, estimates } = scene(dim, bits, 96);
    for (const count of [96, 1, 31, 32, 33, 65, 0]) {
      const place = { blocks, count, firstPosition: 0, tombstones: 0, firstBit: 0 };
      const leaf = arena.leaves([{ ...place, constant: 0.5, errorScale: 0 }]);
      const buffer = arena.buffer(96);
      const scanned = arena.kernels.scanLeaves(tables.address, tableOut.address, dim, bits, leaf, 1, buffer);
      t.equal(scanned, count);
      const found = arena.candidates(buffer);
      t.strictSame(
        found.positions,
        Array.from({ length: count }, (_, i) => i),
      );
      found.estimates.forEach((estimate, i) => {
        const difference = Math.abs(estimate - ((estimates[i] as number) + 0.5));
        if (!(difference < 3e-6 * dim * bits)) t.fail(`${dim}/${bits} vector ${i}: ${difference}`);
      });
    }
  }
});

t.test(
  'a scan pushes what lives and is below the threshold, with its lower bound and position',
  async (t) => {
    for (const [dim, bits] of [
      [8, 1],
      [104, 2],
      [768, 1],
      [1032, 4],
    ] as const) {
      const { arena, tables, tableOut, blocks, estimates, errors, tableErrors } = scene(dim, bits, 200);
      const tombstones = arena.bytes(64);
      const next = random(3);
      tombstones.view.forEach((_, i) => {
        tombstones.view[i] = next() < 0.3 ? Math.floor(next() * 256) : 0;
      });
      const dead = (bit: number) => (((tombstones.view[bit >> 3] as number) >> (bit & 7)) & 1) === 1;
      const leaf = { tombstones: tombstones.address };
      const secondBlocks = blocks + 3 * blockBytes(dim, bits);
      const leaves = arena.leaves([
        { ...leaf, blocks, count: 77, firstPosition: 1000, firstBit: 5, constant: 1, errorScale: 2 },
        { ...leaf, blocks, count: 0, firstPosition: 9, firstBit: 0, constant: 0, errorScale: 0 },
        {
          ...leaf,
          blocks: secondBlocks,
          count: 96,
          firstPosition: 50,
          firstBit: 90,
          constant: -1,
          errorScale: 0.5,
        },
      ]);
      const expected = new Map<number, { estimate: number; lower: number }>();
      const expect = (index: number, position: number, constant: number, errorScale: number) => {
        const estimate = (estimates[index] as number) + constant;
        const width = Math.hypot((errors[index] as number) * errorScale, tableErrors[index] as number);
        expected.set(position, { estimate, lower: estimate - width });
      };
      for (let i = 0; i < 77; i++) if (!dead(5 + i)) expect(i, 1000 + i, 1, 2);
      for (let i = 0; i < 96; i++) if (!dead(90 + i)) expect(96 + i, 50 + i, -1, 0.5);
      const buffer = arena.buffer(200);
      arena.kernels.scanLeaves(tables.address, tableOut.address, dim, bits, leaves, 3, buffer);
      arena.kernels.boundCandidates(buffer, tableOut.address, dim, bits, 2, 1);
      const found = arena.candidates(buffer);
      t.strictSame(
        found.positions.toSorted((a, b) => a - b),
        [...expected.keys()].sort((a, b) => a - b),
      );
      found.positions.forEach((position, i) => {
        const { estimate, lower } = expected.get(position) as { estimate: number; lower: number };
        const allowed = 3e-6 * dim * bits;
        if (Math.abs((found.estimates[i] as number) - estimate) > allowed) t.fail(`estimate of ${position}`);
        if (Math.abs((found.bounds[i] as number) - lower) > allowed) t.fail(`lower bound of ${position}`);
      });
      const small = arena.buffer(7);
      const scanned = arena.kernels.scanLeaves(tables.address, tableOut.address, dim, bits, leaves, 3, small);
      t.equal(scanned, expected.size, 'those that live, whatever is kept of them');
      arena.kernels.sortBuffer(small, 7);
      arena.kernels.sortBuffer(buffer, 7);
      t.strictSame(
        arena.candidates(small).positions.slice(0, 7),
        arena.candidates(buffer).positions.slice(0, 7),
      );
      t.ok(arena.field(small, BUFFER.pushed) < expected.size, 'the threshold kept some out');
    }
  },
);

t.test('bounds of tiny vectors are as wide, relative to them, as those of others', async (t) => {
  for (const metric of [0, 2] as const) {
    const [usual, tiny] = [1, 2 ** -80].map((scale) => {
      const { arena, tables, tableOut, blocks } = scene(104, 2, 32);
      const factors = factorsOf(arena, blocks + codeBytes(104, 2));
      factors.forEach((half, i) => {
        factors[i] = reference.halfOfFloat(reference.floatOfHalf(half) * scale);
      });
      const tombstones = arena.allocate(16);
      const place = { blocks, count: 32, firstPosition: 0, tombstones, firstBit: 0 };
      const leaves = arena.leaves([{ ...place, constant: scale, errorScale: 1e-3 }]);
      const buffer = arena.buffer(32);
      arena.kernels.scanLeaves(tables.address, tableOut.address, 104, 2, leaves, 1, buffer);
      arena.kernels.boundCandidates(buffer, tableOut.address, 104, 2, metric, 1);
      const { estimates, bounds } = arena.candidates(buffer);
      return estimates.map((estimate, i) => (estimate - (bounds[i] as number)) / scale);
    }) as [number[], number[]];
    t.equal(tiny.length, 32);
    // By l2 the square of the error scale counts too, which is the same in both.
    t.ok(tiny.every((width) => width > 0));
    for (const [i, width] of metric === 2 ? tiny.entries() : [])
      t.ok(Math.abs(width - (usual[i] as number)) <= 1e-3 * width);
  }
});

t.test('NaN and infinite estimates are never pushed', async (t) => {
  const { arena, tables, tableOut, blocks } = scene(16, 1, 32);
  const factors = factorsOf(arena, blocks + codeBytes(16, 1));
  factors[3] = reference.halfOfFloat(Number.NaN);
  factors[4] = reference.halfOfFloat(Number.POSITIVE_INFINITY);
  const tombstones = arena.allocate(16);
  const leaves = arena.leaves([
    { blocks, count: 8, firstPosition: 0, tombstones, firstBit: 0, constant: 0, errorScale: 1 },
  ]);
  const buffer = arena.buffer(32);
  arena.kernels.scanLeaves(tables.address, tableOut.address, 16, 1, leaves, 1, buffer);
  t.strictSame(arena.candidates(buffer).positions, [0, 1, 2, 5, 6, 7]);
});

t.test('equal estimates keep the smaller positions', async (t) => {
  const { arena, tables, tableOut, blocks } = scene(16, 1, 32);
  factorsOf(arena, blocks + codeBytes(16, 1)).fill(0);
  const tombstones = arena.allocate(16);
  const leaves = arena.leaves([
    { blocks, count: 32, firstPosition: 0, tombstones, firstBit: 0, constant: 3, errorScale: 0 },
  ]);
  const buffer = arena.buffer(5);
  arena.kernels.scanLeaves(tables.address, tableOut.address, 16, 1, leaves, 1, buffer);
  arena.kernels.sortBuffer(buffer, 5);
  t.strictSame(arena.candidates(buffer).positions.slice(0, 5), [0, 1, 2, 3, 4]);
});

t.test('sign codes and Hamming scans equal the reference', async (t) => {
  for (const dim of [8, 104, 128, 136, 768, 4096]) {
    const arena = new Arena();
    const next = random(dim);
    const words = signWords(dim);
    const codes = arena.bytes(51 * words * 16);
    codes.view.fill(0xff);
    for (let i = 0; i < 51; i++) {
      const vector = arena.floats(gaussian(next, dim));
      vector.view[0] = 0;
      arena.kernels.signCode(vector.address, dim, codes.address + i * words * 16);
      const code = codes.view.subarray(i * words * 16, (i + 1) * words * 16);
      for (let d = 0; d < words * 128; d++) {
        const bit = ((code[d >> 3] as number) >> (d & 7)) & 1;
        if ((bit === 1) !== (vector.view[d] as number) > 0 && d < dim) t.fail(`bit ${d}`);
        if (d >= dim && bit === 1) t.fail(`padding bit ${d}`);
      }
    }
    const codeOf = (i: number) => codes.view.subarray(i * words * 16, (i + 1) * words * 16);
    const tombstones = arena.bytes(16);
    tombstones.view[0] = 0b100;
    const common = { count: 25, tombstones: tombstones.address, constant: 0, errorScale: 0 };
    const leaves = arena.leaves([
      { ...common, blocks: codes.address + words * 16, firstPosition: 0, firstBit: 0 },
      { ...common, blocks: codes.address + 26 * words * 16, firstPosition: 25, firstBit: 25 },
    ]);
    const buffer = arena.buffer(50);
    t.equal(arena.kernels.scanHamming(codes.address, words, leaves, 2, buffer), 49, 'those that live');
    const { estimates, positions } = arena.candidates(buffer);
    t.strictSame(positions, [0, 1, ...Array.from({ length: 47 }, (_, i) => i + 3)]);
    t.strictSame(
      estimates,
      positions.map((position) => reference.hamming(codeOf(0), codeOf(position + 1))),
    );
  }
});
