// The candidate buffer: selection, sorting, order of ties.

import t from 'tap';
import { BUFFER } from '../../src/kernels/layout.js';
import { Arena, random } from './arena.js';

type Pair = [estimate: number, position: number];

function byEstimate(a: Pair, b: Pair): number {
  return a[0] - b[0] || a[1] - b[1];
}

function shuffled(length: number, distinct: number, seed: number): Pair[] {
  const next = random(seed);
  const pairs = Array.from({ length }, (_, i): Pair => [Math.floor(next() * distinct), i]);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [pairs[i], pairs[j]] = [pairs[j] as Pair, pairs[i] as Pair];
  }
  return pairs;
}

function filled(arena: Arena, pairs: Pair[], keep: number): number {
  const buffer = arena.buffer(keep, Math.max(2 * keep, pairs.length));
  arena.fill(
    buffer,
    pairs.map((pair) => pair[0]),
    pairs.map((pair) => pair[1]),
  );
  return buffer;
}

function pairsOf(arena: Arena, buffer: number): Pair[] {
  const { estimates, positions, bounds } = arena.candidates(buffer);
  return estimates.map((estimate, i) => {
    if (bounds[i] !== estimate - 1) throw new Error('the lower bound did not move with its estimate');
    return [estimate, positions[i] as number];
  });
}

t.test('sorting brings the best to the front in order, whatever the input', async (t) => {
  for (const length of [0, 1, 2, 3, 15, 17, 100, 1000, 10_000]) {
    for (const distinct of [1, 5, 1_000_000]) {
      for (const n of [0, 1, 10, Math.floor(length / 2), length, length + 7]) {
        const arena = new Arena();
        const pairs = shuffled(length, distinct, length + distinct);
        const buffer = filled(arena, pairs, length);
        arena.kernels.sortBuffer(buffer, n);
        const expected = pairs.toSorted(byEstimate).slice(0, n);
        t.strictSame(pairsOf(arena, buffer).slice(0, n), expected, `${n} of ${length}, ${distinct} distinct`);
        t.equal(pairsOf(arena, buffer).length, length);
      }
    }
  }
});

t.test('sorted, reversed and organ-pipe inputs are sorted quickly', async (t) => {
  const length = 10_000;
  const orders: [string, (i: number) => number][] = [
    ['ascending', (i) => i],
    ['descending', (i) => length - i],
    ['organ pipe', (i) => Math.min(i, length - i)],
    ['saw', (i) => i % 100],
  ];
  for (const [name, order] of orders) {
    const arena = new Arena();
    const pairs = Array.from({ length }, (_, i): Pair => [order(i), i]);
    const buffer = filled(arena, pairs, length);
    const started = performance.now();
    arena.kernels.sortBuffer(buffer, length);
    t.ok(performance.now() - started < 100, name);
    t.strictSame(pairsOf(arena, buffer), pairs.toSorted(byEstimate), name);
  }
});

t.test('partition puts the n best first, the n-th last of them, and keeps all', async (t) => {
  for (const n of [0, 1, 50, 499, 500, 600]) {
    const arena = new Arena();
    const pairs = shuffled(500, 60, n);
    const buffer = filled(arena, pairs, 500);
    arena.kernels.partition(buffer, n);
    const after = pairsOf(arena, buffer);
    t.strictSame(after.slice(0, n).sort(byEstimate), pairs.toSorted(byEstimate).slice(0, n));
    t.strictSame(after.toSorted(byEstimate), pairs.toSorted(byEstimate));
    if (n > 0 && n <= 500) t.strictSame(after[n - 1], pairs.toSorted(byEstimate)[n - 1], 'the n-th last');
  }
});

t.test('finishing keeps the best and sets the threshold to the largest kept', async (t) => {
  const arena = new Arena();
  const pairs = shuffled(300, 40, 8);
  const buffer = filled(arena, pairs, 200);
  arena.kernels.finishBuffer(buffer);
  const expected = pairs.toSorted(byEstimate).slice(0, 200);
  t.strictSame(pairsOf(arena, buffer).sort(byEstimate), expected);
  t.equal(arena.threshold(buffer), expected[199]?.[0]);
  arena.kernels.finishBuffer(buffer);
  t.equal(arena.field(buffer, BUFFER.count), 200);
});

t.test('pushing through many selections leaves the true best', async (t) => {
  const arena = new Arena();
  const next = random(4);
  const rows = arena.floats(Float32Array.from({ length: 5000 }, () => next()));
  const query = arena.floats([2]);
  const tombstones = arena.bytes(5000 / 8);
  for (const keep of [0, 1, 10, 333]) {
    const buffer = arena.buffer(keep, Math.max(1, 2 * keep));
    arena.kernels.pushExact(query.address, rows.address, 5000, 1, 0, 0, 0, tombstones.address, 0, buffer);
    arena.kernels.finishBuffer(buffer);
    const expected = Array.from(rows.view, (value, i) => [value, i] as const)
      .sort((a, b) => b[0] - a[0] || a[1] - b[1])
      .slice(0, keep)
      .map((pair) => pair[1]);
    t.strictSame(
      arena.candidates(buffer).positions.sort((a, b) => a - b),
      expected.sort((a, b) => a - b),
    );
  }
});

t.test('positions are listed in order, of the candidates in a range whose bound is low enough', async (t) => {
  const arena = new Arena();
  const pairs = shuffled(300, 50, 5);
  const buffer = filled(arena, pairs, 300);
  const out = arena.words(301);
  out.view.fill(7777);
  const bound = 20;
  const expected = pairs.slice(40, 290).filter(([estimate]) => estimate - 1 <= bound);
  const count = arena.kernels.listPositions(buffer, 40, 290, bound, out.address);
  t.equal(count, expected.length);
  t.strictSame(
    [...out.view.subarray(0, count)],
    expected.map(([, position]) => position).sort((a, b) => a - b),
  );
  t.equal(out.view[count], 7777, 'nothing is written past them');
  t.equal(arena.kernels.listPositions(buffer, 0, 0, bound, out.address), 0);
  t.equal(arena.kernels.listPositions(buffer, 0, 1, Number.NEGATIVE_INFINITY, out.address), 0);
});

t.test('candidates of another buffer are pushed as those that are scanned', async (t) => {
  for (const [length, keep] of [
    [0, 5],
    [3, 5],
    [1000, 5],
    [1000, 100],
    [1000, 0],
  ] as const) {
    const arena = new Arena();
    const pairs = shuffled(2 * length, 300, length + keep);
    const [mine, others] = [pairs.slice(0, length), pairs.slice(length)];
    const from = filled(arena, others, others.length);
    const listed = arena.field(from, BUFFER.candidates);
    const buffer = arena.buffer(keep);
    const own = filled(arena, mine, mine.length);
    arena.kernels.pushCandidates(arena.field(own, BUFFER.candidates), mine.length, buffer);
    arena.kernels.pushCandidates(listed, others.length, buffer);
    arena.kernels.finishBuffer(buffer);
    arena.kernels.sortBuffer(buffer, keep);
    t.strictSame(
      pairsOf(arena, buffer).map(([estimate]) => estimate),
      pairs
        .map(([estimate]) => estimate)
        .toSorted((a, b) => a - b)
        .slice(0, keep),
      `${keep} of twice ${length}`,
    );
  }
});
