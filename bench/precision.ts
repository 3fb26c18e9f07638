// What keeping full vectors as float32, float16 or int8 brings and costs: bytes, recall against the vectors as given,
// speed; and what other ways to make 8 bits of a number would lose. In process on one thread.
// Usage: npm run bench -- precision [--data glove|embeddings] [--count N] [--smoke]

import { rowBytes } from '../src/contract/stored-vector.js';
import { planSearch } from '../src/index/plan.js';
import { seededRandom } from '../src/index/random.js';
import { benchOptions } from './bench-options.js';
import { quantile } from './client/timed-searches.js';
import { buildInProcess } from './coppice-in-process.js';
import { DATA_HELP, DATA_OPTIONS, loadBenchData } from './data/bench-vectors.js';
import { type Matrix, recallAt, row } from './data/split.js';
import { eightBitForms } from './precision/eight-bit-forms.js';
import { mean, recordTable } from './report.js';

const K = 10;
const PRECISIONS = ['float32', 'float16', 'int8'] as const;
const METRICS = ['cosine', 'l2', 'dot'] as const;

const HELP = `npm run bench -- precision [--data glove|embeddings] [--count N] [--smoke]

${DATA_HELP}`;
const options = benchOptions(HELP, DATA_OPTIONS);
const { smoke } = options;
const rounds = smoke ? 1 : 5;
const exactQueries = smoke ? 5 : 50;
const { base, queries } = await loadBenchData(options, console.error);
stretchRows(base);
const vectors = Array.from({ length: queries.count }, (_, i) => row(queries, i));
const rows: object[] = [];
for (const metric of METRICS) {
  let truth: ArrayLike<number>[] | undefined;
  for (const precision of PRECISIONS) {
    const index = await buildInProcess(base, { metric }, 2, { precision });
    const plan = planSearch(index.shape, index.calibration, { k: K });
    const exactly = (vector: Float32Array) =>
      index.search({ vector, k: K, probes: 0, rerankFactor: 1, exact: true }).rows;
    const search = (vector: Float32Array) => index.search({ vector, k: K, ...plan });
    const exact = vectors.map(exactly);
    truth ??= exact;
    const answers = vectors.map(search);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++)
      for (const vector of vectors) times.push(timed(() => search(vector)));
    const exactTimes = vectors.slice(0, exactQueries).map((vector) => timed(() => exactly(vector)));
    rows.push({
      metric,
      precision,
      bytesPerVector: rowBytes({ dimension: base.dimension, precision }),
      recallExact: recallAt(K, truth, exact),
      recallDefault: recallAt(
        K,
        truth,
        answers.map((answer) => answer.rows),
      ),
      reranked: mean(answers.map(({ stats }) => stats.vectorsReranked)),
      rerankUs: mean(answers.map(({ stats }) => stats.rerankUs)),
      p50Us: quantile(times, 0.5),
      exactMs: quantile(exactTimes, 0.5) / 1000,
    });
    await index.close();
  }
}
console.log(recordTable(rows));
console.log(recordTable(compareForms(base, queries)));

/** To lengths of 1/2 to 2: among vectors of one length all metrics give one order. */
function stretchRows(vectors: Matrix): void {
  const random = seededRandom(1);
  for (let i = 0; i < vectors.count; i++) {
    const scale = 2 ** (2 * random() - 1);
    const vector = row(vectors, i);
    for (let j = 0; j < vector.length; j++) vector[j] = (vector[j] as number) * scale;
  }
}

/** Each way to keep 8 bits a number: what it loses, and the recall of exact search by cosine over what is left. */
function compareForms(base: Matrix, queries: Matrix): object[] {
  const count = Math.min(queries.count, smoke ? 20 : 200);
  const truth = nearest(base, queries, count);
  return Object.entries(eightBitForms(base)).map(([form, keep]) => {
    const values = new Float32Array(base.values.length);
    let lost = 0;
    let all = 0;
    for (let i = 0; i < base.count; i++) {
      const given = row(base, i);
      const left = keep(given);
      values.set(left, i * base.dimension);
      for (let j = 0; j < given.length; j++) {
        lost += ((given[j] as number) - (left[j] as number)) ** 2;
        all += (given[j] as number) ** 2;
      }
    }
    const found = nearest({ ...base, values }, queries, count);
    return { form, errorPerMille: 1000 * Math.sqrt(lost / all), recallExact: recallAt(K, truth, found) };
  });
}

/** The K nearest rows by cosine to each of the first queries, by plain loops. */
function nearest(among: Matrix, queries: Matrix, count: number): number[][] {
  const norms = Array.from({ length: among.count }, (_, i) => Math.hypot(...row(among, i)));
  return Array.from({ length: count }, (_, q) => {
    const query = row(queries, q);
    const best: { row: number; score: number }[] = [];
    for (let i = 0; i < among.count; i++) {
      let product = 0;
      const at = i * among.dimension;
      for (let j = 0; j < query.length; j++)
        product += (query[j] as number) * (among.values[at + j] as number);
      const score = product / (norms[i] || 1);
      if (best.length === K && score <= (best[K - 1]?.score as number)) continue;
      best.push({ row: i, score });
      best.sort((a, b) => b.score - a.score);
      best.length = Math.min(best.length, K);
    }
    return best.map((entry) => entry.row);
  });
}

function timed(work: () => unknown): number {
  const startedMs = performance.now();
  work();
  return (performance.now() - startedMs) * 1000;
}
