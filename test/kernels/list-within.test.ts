// What lies within a distance by its lower bound, against the bounds of candidates, which scans give.

import t from 'tap';
import type { KernelMetric } from '../../src/kernels/kernels.js';
import { blockBytes } from '../../src/kernels/layout.js';
import { type LeafEntry, random } from './arena.js';
import { deadBits, ownLeaves, type Scanned, scanAll } from './own-leaves.js';
import { type Scene, scene } from './scene.js';

const METRICS: KernelMetric[] = [0, 1, 2];
const SHAPES = [
  [8, 1],
  [104, 2],
  [768, 1],
  [1032, 4],
] as const;

/** Positions listed; what is written stays within their number. */
function list(
  { arena, tables, tableOut, dim, bits }: Scene,
  entries: LeafEntry[],
  { metric, widths, limit }: { metric: KernelMetric; widths: number; limit: number },
): number[] {
  const leaves = arena.leaves(entries);
  const out = arena.words(new Uint32Array(300).fill(7));
  const [at, tableOutAt] = [tables.address, tableOut.address];
  const args = [at, tableOutAt, dim, bits, metric, widths, leaves, entries.length, limit] as const;
  const count = arena.kernels.listWithin(...args, out.address);
  if (out.view.subarray(count).some((word) => word !== 7)) throw new Error('more is written than is listed');
  return [...out.view.subarray(0, count)];
}

/** Positions that the limit and rounding allow no doubt of, which are listed and should not be, or the other way round. */
function wrongOf(listed: number[], scanned: Scanned, dim: number, widths: number, limit: number): number[] {
  const there = new Set(listed);
  return [...scanned].flatMap(([position, { estimate, bound }]) => {
    const over = estimate - widths * (estimate - bound) - limit;
    return Math.abs(over) > 1e-5 * dim && there.has(position) !== over <= 0 ? [position] : [];
  });
}

for (const isOwn of [false, true]) {
  const whose = isOwn ? 'of leaves of their own' : 'of a leaf';
  t.test(`listed is what lives and has its lower bound within the limit: vectors ${whose}`, async (t) => {
    for (const [dim, bits] of SHAPES) {
      for (const metric of METRICS) {
        const scanned = scene(dim, bits, 200);
        const { arena, blocks } = scanned;
        const tombstones = deadBits(arena, random(4));
        const leaf = { tombstones, constant: 1, errorScale: 2 };
        const secondBlocks = blocks + 3 * blockBytes(dim, bits);
        const entries = [
          { ...leaf, blocks, count: 77, firstPosition: 5, firstBit: 5 },
          { ...leaf, blocks, count: 0, firstPosition: 0, firstBit: 0 },
          { ...leaf, blocks: secondBlocks, count: 96, firstPosition: 90, firstBit: 90 },
        ].map((entry) => (isOwn ? ownLeaves(arena, entry, random(entry.count)) : entry));
        const all = scanAll(scanned, entries, metric);
        const bounds = [...all.values()].map(({ bound }) => bound).sort((a, b) => a - b);
        for (const widths of [1, 1.5]) {
          for (const place of [0.02, 0.5, 0.98]) {
            const limit = bounds[Math.floor(place * bounds.length)] as number;
            const listed = list(scanned, entries, { metric, widths, limit });
            const told = `${dim}/${bits}, metric ${metric}, ${widths} widths, limit ${limit}`;
            t.ok(
              listed.every((position) => all.has(position)),
              `${told}: dead or not reached`,
            );
            t.equal(new Set(listed).size, listed.length);
            t.strictSame(wrongOf(listed, all, dim, widths, limit), [], told);
          }
        }
        const [everything, nothing] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((limit) =>
          list(scanned, entries, { metric, widths: 1, limit }).sort((a, b) => a - b),
        );
        t.strictSame(
          everything,
          [...all.keys()].sort((a, b) => a - b),
        );
        t.strictSame(nothing, []);
      }
    }
  });
}

t.test('wider bounds list more, and never less', async (t) => {
  const scanned = scene(104, 1, 200);
  const entries: LeafEntry[] = [
    {
      blocks: scanned.blocks,
      count: 200,
      firstPosition: 0,
      tombstones: 0,
      firstBit: 0,
      constant: 1,
      errorScale: 2,
    },
  ];
  const bounds = [...scanAll(scanned, entries, 0).values()].map(({ bound }) => bound);
  const limit = bounds.sort((a, b) => a - b)[20] as number;
  const [narrow, wide] = [1, 1.5].map((widths) => list(scanned, entries, { metric: 0, widths, limit }));
  t.ok(narrow?.every((position) => wide?.includes(position)));
  t.ok((wide?.length ?? 0) > (narrow?.length ?? 0));
});
