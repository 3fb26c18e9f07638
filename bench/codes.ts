// What each kind of code is worth: bytes in RAM, recall and work at the same leaves, in process on one thread; then
// their estimates beside those of product and scalar quantization.
// Usage: npm run bench -- codes [--data glove|embeddings] [--count N] [--smoke]

import { benchOptions } from './bench-options.js';
import { compareAtEqualBytes } from './codes/equal-bytes.js';
import { buildInProcess } from './coppice-in-process.js';
import { DATA_HELP, DATA_OPTIONS, loadBenchData } from './data/bench-vectors.js';
import { type Matrix, recallAt, row } from './data/split.js';
import { mean, recordTable } from './report.js';

const K = 10;
const PROBES = [40, 80, 160];
const KINDS = [
  { quantizer: 'sign', bits: 1 },
  { quantizer: 'rabitq', bits: 1 },
  { quantizer: 'rabitq', bits: 2 },
  { quantizer: 'rabitq', bits: 4 },
] as const;
const RERANK_FACTORS = [4, 8, 20, 50];
/** Product codes are made and searched by plain loops. */
const COMPARED_VECTORS = 50_000;
const COMPARED_QUERIES = 200;

const HELP = `npm run bench -- codes [--data glove|embeddings] [--count N] [--smoke]

${DATA_HELP}`;
const { base, queries } = await loadBenchData(benchOptions(HELP, DATA_OPTIONS), console.error);
const rows: object[] = [];
let truth: ArrayLike<number>[] | undefined;
for (const kind of KINDS) {
  const index = await buildInProcess(base, { metric: 'cosine', ...kind }, 2);
  const vectors = Array.from({ length: queries.count }, (_, i) => row(queries, i));
  truth ??= vectors.map(
    (vector) => index.search({ vector, k: K, probes: 0, rerankFactor: 1, exact: true }).rows,
  );
  for (const probes of PROBES) {
    for (const rerankFactor of RERANK_FACTORS) {
      const startedUs = process.cpuUsage().user;
      const answers = vectors.map((vector) =>
        index.search({ vector, k: K, probes, rerankFactor, exact: false }),
      );
      const cpuUs = (process.cpuUsage().user - startedUs) / queries.count;
      const { tree, codes, ids } = index.bytesPerVector;
      rows.push({
        codes: `${kind.quantizer} ${kind.bits}`,
        bytesPerVector: tree + codes + ids,
        probes,
        rerankFactor,
        recall: recallAt(
          K,
          truth,
          answers.map((answer) => answer.rows),
        ),
        scanned: Math.round(mean(answers.map(({ stats }) => stats.vectorsScanned))),
        reranked: Math.round(mean(answers.map(({ stats }) => stats.vectorsReranked))),
        cpuUs: Math.round(cpuUs),
      });
    }
  }
  await index.close();
}
console.log(recordTable(rows));
console.log('share of the 10 nearest among the first candidates by estimate');
console.log(
  recordTable(await compareAtEqualBytes(first(base, COMPARED_VECTORS), first(queries, COMPARED_QUERIES))),
);

function first({ dimension, count, values }: Matrix, countMax: number): Matrix {
  const kept = Math.min(count, countMax);
  return { dimension, count: kept, values: values.subarray(0, kept * dimension) };
}
