// What `min_recall` promises of single queries: how many of fresh ones it holds for, in an index just built and in a set that has
// drifted since, and its cost beside `target_recall` of the same queries.
// Usage: npm run bench -- recall --guarantee [--data glove|embeddings|drift] [--queries N] [--count N] [--seed N] [--table] [--smoke]

import { benchOptions } from '../bench-options.js';
import { DATA_HELP, DATA_OPTIONS } from '../data/bench-vectors.js';
import { mean, recordTable } from '../report.js';
import { type Asked, type Effort, K, type Subject } from './asked.js';
import { driftSubject } from './guarantee-drift.js';
import { builtSubject } from './guarantee-in-process.js';
import { upperShare } from './share-bound.js';

const PROMISED = { min_recall: 0.9, confidence: 0.99 };
const TARGETS = [0.95, 0.99];
const TABLE_RECALLS = [0.8, 0.9, 1];
const TABLE_CONFIDENCES = [0.9, 0.95, 0.99];
const DRIFT_COUNT = 20_000;
const SMOKE = { count: 2000, queries: 50, seed: 1 };

const HELP = `npm run bench -- recall --guarantee [--data glove|embeddings|drift] [--queries N] [--count N] [--seed N] [--table] [--smoke]

share    of the queries that find min_recall of their ${K} nearest; upper: of all queries, with 95 % certainty no more
us       processor time of all threads, a query
--data   glove or embeddings just built, or clusters that have drifted since the build
--table  every min_recall of ${TABLE_RECALLS.join(', ')} with every confidence of ${TABLE_CONFIDENCES.join(', ')}
--seed   of the drift
${DATA_HELP}; of drift ${DRIFT_COUNT}`;

const options = benchOptions(HELP, {
  ...DATA_OPTIONS,
  guarantee: { type: 'boolean', default: false },
  queries: { type: 'string', default: '5000' },
  seed: { type: 'string', default: '1' },
  table: { type: 'boolean', default: false },
});
const failures: string[] = [];
for (const subject of await subjects()) {
  console.log(subject.name);
  const rows: object[] = [];
  // The first searches are slower.
  await subject.ask({ target_recall: TARGETS[0] as number });
  for (const effort of effortsAsked()) {
    const { row, missed } = judged(subject, effort, await subject.ask(effort));
    rows.push(row);
    console.error(JSON.stringify(row));
    failures.push(...missed);
  }
  await subject.close();
  console.log(`\n${recordTable(rows)}`);
  console.log(JSON.stringify(rows));
}
for (const failure of failures) console.log(`missed: ${failure}`);
process.exitCode = options.smoke || failures.length === 0 ? 0 : 1;

async function subjects(): Promise<Subject[]> {
  if (options.smoke) return [await builtSubject(options, console.error), await driftSubject(SMOKE)];
  if (options.data !== 'drift') return [await builtSubject(options, console.error)];
  const drift = { count: Number(options.count ?? DRIFT_COUNT), queries: Number(options.queries) };
  return [await driftSubject({ ...drift, seed: Number(options.seed) })];
}

function effortsAsked(): Effort[] {
  const targets = TARGETS.map((target_recall) => ({ target_recall }));
  if (!options.table) return [...targets, PROMISED];
  const pairs = TABLE_RECALLS.flatMap((min_recall) =>
    TABLE_CONFIDENCES.map((confidence) => ({ min_recall, confidence })),
  );
  return [...targets, ...pairs];
}

/**
 * A target promises nothing of single queries: of it the share is that of the promise. Of the table's promises one in five is missed by chance: the
 * probability is over calibrations, too, of which there is one.
 */
function judged(
  { comparedAllMax }: Subject,
  effort: Effort,
  { found, cpuUs }: Asked,
): { row: object; missed: string[] } {
  const { min_recall, confidence } = 'min_recall' in effort ? effort : PROMISED;
  const reached = found.filter(({ hits }) => hits >= min_recall * K - 1e-9).length;
  const shareOf = (...ways: string[]) => found.filter(({ way }) => ways.includes(way)).length / found.length;
  const upper = upperShare(reached, found.length);
  const all = shareOf('compared_all', 'exact');
  const name = Object.entries(effort)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  const row = {
    effort: name,
    share: reached / found.length,
    upper,
    recall: mean(found.map(({ hits }) => hits / K)),
    probes: shareOf('probes'),
    widened: shareOf('widened'),
    all,
    scanned: Math.round(mean(found.map(({ scanned }) => scanned))),
    read: Math.round(mean(found.map(({ read }) => read))),
    us: Math.round(cpuUs),
  };
  const isPromise = min_recall === PROMISED.min_recall && confidence === PROMISED.confidence;
  const missed: string[] = [];
  if (!('min_recall' in effort && isPromise)) return { row, missed };
  if (upper < confidence) missed.push(`${name}: holds for ${upper.toFixed(4)} at most`);
  if (all >= comparedAllMax) missed.push(`${name}: ${all.toFixed(3)} of the searches compare all`);
  return { row, missed };
}
