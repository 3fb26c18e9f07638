// The two rules for when a calibration takes a target to be reached, side by side: the same index calibrated by each of them with several
// draws of calibration queries, and what comes of it on queries that are in none. In process, one thread.
// Usage: npm run bench -- recall --rules [--data glove|embeddings] [--draws N] [--queries N] [--count N] [--smoke]

import { calibrate } from '../../src/index/calibrate/calibrate.js';
import type { TargetRule } from '../../src/index/calibrate/choose-efforts.js';
import type { Calibration } from '../../src/index/calibration.js';
import { planSearch } from '../../src/index/plan.js';
import { benchOptions } from '../bench-options.js';
import { buildInProcess } from '../coppice-in-process.js';
import { DATA_HELP, DATA_OPTIONS, loadBenchData } from '../data/bench-vectors.js';
import { recallAt, row } from '../data/split.js';
import { trueNeighbours } from '../data/true-neighbours.js';
import { matrixRows } from '../data/vector-rows.js';
import { mean, recordTable } from '../report.js';
import { cpuUsOf } from './asked.js';
import { drawCalibrations } from './calibration-draws.js';

const RULES: readonly TargetRule[] = ['confident', 'expected'];
const KS = [1, 10, 100];
const TARGETS = [0.9, 0.95, 0.99];
const BUILD_THREADS = 2;
const SMOKE_DRAWS = 2;

const HELP = `npm run bench -- recall --rules [--data glove|embeddings] [--draws N] [--queries N] [--count N] [--smoke]

recall, least  mean over the draws, and the least of them; reached: draws of which it is the target or more
us             processor time of a query
--draws        calibrations with queries of their own, 10 unless given
${DATA_HELP}`;

interface Run {
  recall: number;
  scanned: number;
  us: number;
}

const options = benchOptions(HELP, {
  ...DATA_OPTIONS,
  rules: { type: 'boolean', default: false },
  draws: { type: 'string', default: '10' },
});
const { name, base, queries } = await loadBenchData(options, console.error);
const index = await buildInProcess(base, { metric: 'cosine' }, BUILD_THREADS);
console.error(`built ${base.count} x ${base.dimension} in ${index.buildSeconds.toFixed(0)} s`);
const truth = trueNeighbours(matrixRows(base), queries, Math.max(...KS)).rows;
const { shape, samples } = drawCalibrations(index, options.smoke ? SMOKE_DRAWS : Number(options.draws));
console.error(`${samples.length} calibrations of ${shape.queries} queries`);
const cells = KS.flatMap((k) => TARGETS.map((target) => ({ k, target })));
const runs = new Map<string, Run[]>();
const keyOf = (rule: TargetRule, k: number, target: number) => `${rule} ${k} ${target}`;
for (const [draw, buffer] of samples.entries()) {
  // Which comes first has no warmer caches in the end.
  const order = draw % 2 === 0 ? RULES : RULES.toReversed();
  for (const rule of order) await measure(rule, calibrate(index.calibrated.generation, shape, buffer, rule));
  console.error(`calibration ${draw + 1} of ${samples.length}`);
}
await index.close();
const rows = cells.flatMap(({ k, target }) => RULES.map((rule) => summary(rule, k, target)));
console.log(
  `${name}, ${base.count} x ${base.dimension}, ${queries.count} queries, ${samples.length} calibrations\n`,
);
console.log(recordTable(rows));
console.log(JSON.stringify(rows));

async function measure(rule: TargetRule, calibration: Calibration): Promise<void> {
  for (const { k, target } of cells) {
    const key = keyOf(rule, k, target);
    runs.set(key, [...(runs.get(key) ?? []), await search(calibration, k, target)]);
  }
}

async function search(calibration: Calibration, k: number, targetRecall: number): Promise<Run> {
  const plan = planSearch(index.shape, calibration, { k, targetRecall });
  const { result, us } = await cpuUsOf(async () =>
    Array.from({ length: queries.count }, (_, i) => index.search({ vector: row(queries, i), k, ...plan })),
  );
  const found = result.map((answer) => answer.rows);
  return {
    recall: recallAt(k, truth, found),
    scanned: mean(result.map(({ stats }) => stats.vectorsScanned)),
    us: us / queries.count,
  };
}

function summary(rule: TargetRule, k: number, target: number): object {
  const ofAll = runs.get(keyOf(rule, k, target)) ?? [];
  const recalls = ofAll.map(({ recall }) => recall);
  return {
    k,
    target,
    rule,
    recall: mean(recalls),
    least: Math.min(...recalls),
    reached: `${recalls.filter((recall) => recall >= target).length} of ${recalls.length}`,
    scanned: Math.round(mean(ofAll.map(({ scanned }) => scanned))),
    us: Math.round(mean(ofAll.map(({ us }) => us))),
  };
}
