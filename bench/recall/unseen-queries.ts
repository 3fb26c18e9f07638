// What a declared recall is worth: measured on queries that the build has not seen, and its cost beside the cheapest
// fixed number of probes that reaches the same target on them. In process, one thread.
// Usage: npm run bench -- recall [--data glove|embeddings] [--count N] [--smoke]

import { planSearch } from '../../src/index/plan.js';
import { benchOptions } from '../bench-options.js';
import { type BuiltIndex, buildInProcess } from '../coppice-in-process.js';
import { DATA_HELP, DATA_OPTIONS, loadBenchData } from '../data/bench-vectors.js';
import { type Matrix, recallAt, row } from '../data/split.js';
import { mean, recordTable } from '../report.js';

const KS = [1, 10, 100];
const TARGETS = [0.9, 0.95, 0.99];
/** Candidates that a fixed setting is tried with, as multiples of those the calibration has chosen. */
const CANDIDATE_STEPS = [0.5, 1, 2];
const ROUNDS = 3;

interface Effort {
  probes: number;
  probeShare: number;
  rerankFactor: number;
}

interface Run {
  recall: number;
  scanned: number;
  /** Of each query the shortest time. */
  microseconds: Float64Array;
}

const HELP = `npm run bench -- recall [--data glove|embeddings] [--count N] [--smoke]

${DATA_HELP}`;

const options = benchOptions(HELP, DATA_OPTIONS);
const { base, queries } = await loadBenchData(options, console.error);
const index = await buildInProcess(base, { metric: 'cosine' }, 2);
const truth = trueNeighbours(index, queries);
const rows = KS.flatMap((k) => TARGETS.map((target) => compare(k, target)));
await index.close();
console.log(`${base.count} x ${base.dimension}, ${queries.count} queries that the build has not seen\n`);
console.log(recordTable(rows));
console.log(JSON.stringify(rows));

function trueNeighbours(built: BuiltIndex, { count }: Matrix): ArrayLike<number>[] {
  const exact = { k: Math.max(...KS), probes: 0, rerankFactor: 1, exact: true };
  return Array.from({ length: count }, (_, i) => built.search({ vector: row(queries, i), ...exact }).rows);
}

function compare(k: number, targetRecall: number): object {
  const plan = planSearch(index.shape, index.calibration, { k, targetRecall });
  const fixed = CANDIDATE_STEPS.map((step) => {
    const rerankFactor = Math.max(1, plan.rerankFactor * step);
    return cheapestProbes(k, targetRecall, rerankFactor);
  });
  const runs = [plan, ...fixed].map((effort) => ({ effort, run: newRun() }));
  for (let round = 0; round < ROUNDS; round++) for (const { effort, run } of runs) search(k, effort, run);
  const [declared, ...others] = runs.map(({ run }) => ({ ...run, us: mean([...run.microseconds]) }));
  if (declared === undefined) throw new Error('nothing was measured');
  const reaching = others.filter(({ recall }) => recall >= targetRecall);
  const best = reaching.toSorted((a, b) => a.us - b.us)[0];
  return {
    k,
    target: targetRecall,
    recall: declared.recall,
    scanned: Math.round(declared.scanned),
    us: Math.round(declared.us),
    fixedRecall: best?.recall ?? Number.NaN,
    fixedScanned: Math.round(best?.scanned ?? Number.NaN),
    fixedUs: Math.round(best?.us ?? Number.NaN),
    cost: declared.us / (best?.us ?? Number.NaN),
  };
}

/** The least fixed probes that reach the target on these queries. */
function cheapestProbes(k: number, target: number, rerankFactor: number): Effort {
  let [low, high] = [1, index.leaves];
  while (low < high) {
    const probes = (low + high) >>> 1;
    if (search(k, { probes, probeShare: 1, rerankFactor }, newRun()).recall >= target) high = probes;
    else low = probes + 1;
  }
  return { probes: low, probeShare: 1, rerankFactor };
}

function newRun(): Run {
  return {
    recall: 0,
    scanned: 0,
    microseconds: new Float64Array(queries.count).fill(Number.POSITIVE_INFINITY),
  };
}

function search(k: number, effort: Effort, run: Run): Run {
  let scanned = 0;
  const found = Array.from({ length: queries.count }, (_, i) => {
    const query = { vector: row(queries, i), k, exact: false, ...effort };
    const startedMs = performance.now();
    const { rows, stats } = index.search(query);
    const us = (performance.now() - startedMs) * 1000;
    run.microseconds[i] = Math.min(run.microseconds[i] as number, us);
    scanned += stats.vectorsScanned;
    return rows;
  });
  run.recall = recallAt(k, truth, found);
  run.scanned = scanned / queries.count;
  return run;
}
