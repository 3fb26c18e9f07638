// Navigation: what a beam of the tree finds, beside a ranking of all leaves.

import t from 'tap';
import type { Generation } from '../../src/index/generation.js';
import { loadQuery, prepareCodes } from '../../src/index/prepare-query.js';
import { LeafRanker } from '../../src/index/rank-leaves.js';
import { Scratch } from '../../src/index/scratch.js';
import { completeSettings } from '../../src/index/settings.js';
import { instantiateKernels, type Kernels } from '../../src/kernels/kernels.js';
import { LEAF_ENTRY_BYTES } from '../../src/kernels/layout.js';
import { build, clustered, type Given, nearestOf } from './built.js';
import { assertValid } from './validity.js';

const WORDS = LEAF_ENTRY_BYTES / 4;
const PROBES = 6;

/** Ranks the leaves of a generation; past `beamLeavesMin` leaves by a beam of the tree. */
class TestRanker {
  /** Leaves whose codes the last ranking looked at: what the last scan of a level went through. */
  leavesScanned = 0;
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;

  constructor(generation: Generation, beamLeavesMin: number) {
    const kernels = instantiateKernels(generation.memory);
    this.#generation = generation;
    const scratch = new Scratch(generation);
    this.#scratch = scratch;
    this.#kernels = {
      ...kernels,
      scanLeaves: (...args) => {
        const [, , , , , entries] = args;
        this.leavesScanned = 0;
        for (let i = 0; i < entries; i++) this.leavesScanned += scratch.leafWords[i * WORDS + 1] as number;
        return kernels.scanLeaves(...args);
      },
    };
    this.#ranker = new LeafRanker(generation, this.#kernels, this.#scratch, beamLeavesMin);
  }

  /** First slots of the leaves that are nearest to the query, nearest first. */
  rank(query: Float32Array, probes: number): number[] {
    const { leafWords } = this.#scratch;
    loadQuery(query, 'float32', this.#generation, this.#kernels, this.#scratch);
    prepareCodes(this.#generation, this.#kernels, this.#scratch);
    this.#scratch.live.refresh(this.#kernels);
    const count = this.#ranker.rank(probes, 1, this.#scratch.live);
    return Array.from({ length: count }, (_, i) => leafWords[i * WORDS + 2] as number);
  }
}

/** First slot of the leaf that holds each row. */
function leavesOfRows({ memory, layout, leaves, slotRows }: Generation): number[] {
  const table = new Uint32Array(memory.buffer, layout.leafTable, leaves * WORDS);
  const leafOfRow: number[] = [];
  for (let leaf = 0; leaf < leaves; leaf++) {
    const [, count = 0, first = 0] = table.subarray(leaf * WORDS, leaf * WORDS + 3);
    for (const row of slotRows.subarray(first, first + count)) leafOfRow[row] = first;
  }
  return leafOfRow;
}

function share<Value>(wanted: Value[], found: Value[]): number {
  const there = new Set(found);
  return wanted.filter((value) => there.has(value)).length / wanted.length;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Between the stored vectors, near some of them. */
function queriesAmong(vectors: Float32Array[], count: number): Float32Array[] {
  const offsets = clustered(count, vectors[0]?.length ?? 0, 77, 1);
  return offsets.map((offset, i) =>
    offset.map((value, j) => 0.25 * value + ((vectors[i * 7] as Float32Array)[j] as number)),
  );
}

t.test('a beam of a deep tree finds the leaves that a ranking of all leaves finds', async (t) => {
  const vectors = clustered(8000, 16, 9, 200);
  for (const [metric, branchingFactor] of [
    ['l2', 64],
    ['cosine', 64],
    ['dot', 64],
    ['l2', 3],
  ] as const) {
    const settings = completeSettings({ dimension: 16, metric, branchingFactor, maxLeafSize: 12 });
    const generation = build(vectors, settings);
    assertValid(t, generation, 12);
    t.ok(generation.layout.levels.length > 4, `${generation.layout.levels.length} levels`);
    const [all, beam] = [generation.leaves, 1].map(
      (beamLeavesMin) => new TestRanker(generation, beamLeavesMin),
    ) as [TestRanker, TestRanker];
    const leafOfRow = leavesOfRows(generation);
    const scanned: number[] = [];
    const [same, recallOfAll, recallOfBeam]: [number[], number[], number[]] = [[], [], []];
    for (const query of queriesAmong(vectors, 60)) {
      const [wanted, found] = [all.rank(query, PROBES), beam.rank(query, PROBES)];
      const homes = nearestOf(metric, vectors, query, 10).map(({ row }) => leafOfRow[row]);
      scanned.push(beam.leavesScanned);
      same.push(share(wanted, found));
      recallOfAll.push(share(homes, wanted));
      recallOfBeam.push(share(homes, found));
    }
    const lost = mean(recallOfAll) - mean(recallOfBeam);
    t.ok(mean(scanned) < generation.leaves / 2, `${mean(scanned)} of ${generation.leaves} leaves`);
    t.ok(mean(same) > 0.9, `${metric}: ${mean(same)} of the leaves are the same`);
    t.ok(lost < 0.02, `${metric}: the beam loses ${lost} of a recall of ${mean(recallOfAll)}`);
  }
});

t.test('few leaves are all ranked, without a beam', async (t) => {
  const vectors = clustered(2000, 16, 9, 200);
  const given: Given = { dimension: 16, metric: 'l2', branchingFactor: 3, maxLeafSize: 12 };
  const generation = build(vectors, completeSettings(given));
  const ranker = new TestRanker(generation, generation.leaves);
  const found = ranker.rank(vectors[5] as Float32Array, PROBES);
  t.equal(ranker.leavesScanned, generation.leaves);
  t.equal(new Set(found).size, PROBES);
});
