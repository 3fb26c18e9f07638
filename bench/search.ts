// Recall against QPS of one search thread in process, Coppice beside hnswlib-node, in one run on the same vectors.
// Usage: npm run bench -- search [--smoke]

import hnswlib from 'hnswlib-node';
import { type BuiltIndex, buildInProcess } from './coppice-in-process.js';
import { loadBenchVectors } from './data/bench-vectors.js';
import { type Matrix, recallAt, row } from './data/split.js';
import { median, recordTable } from './report.js';

const K = 10;
const HNSW_M = 16;
const HNSW_EF_CONSTRUCTION = 200;
const HNSW_SEED = 100;

const COPPICE_RUNS = [
  { probes: 40, rerankFactor: 5 },
  { probes: 56, rerankFactor: 6 },
  { probes: 72, rerankFactor: 8 },
  { probes: 96, rerankFactor: 8 },
  { probes: 128, rerankFactor: 10 },
  { probes: 176, rerankFactor: 10 },
  { probes: 224, rerankFactor: 10 },
  { probes: 288, rerankFactor: 12 },
];
const HNSW_EFS = [40, 64, 96, 128, 192, 256, 384, 512, 768];

/** Recalls at which the two are compared, each interpolated between its own measured points. */
const TARGETS = [0.9, 0.95, 0.98, 0.99];

interface Candidate {
  engine: string;
  setting: string;
  search: (query: number) => ArrayLike<number>;
}

interface Point {
  engine: string;
  setting: string;
  recall: number;
  qps: number;
  p50Us: number;
  p99Us: number;
}

const smoke = process.argv.includes('--smoke');
const rounds = smoke ? 1 : 5;
await benchSearch();

async function benchSearch(): Promise<void> {
  const { base, queries } = await loadBenchVectors(smoke);
  const coppice = await buildInProcess(base, { metric: 'cosine' }, 1);
  const truth = trueNeighbours(coppice, queries);
  const hnswStartedMs = performance.now();
  const hnsw = buildHnsw(base);
  const hnswBuildSeconds = (performance.now() - hnswStartedMs) / 1000;

  const candidates = [...coppiceCandidates(coppice, queries), ...hnswCandidates(hnsw, queries)];
  const points = measure(candidates, truth, queries.count, rounds);
  await coppice.close();

  const comparison = TARGETS.map((recall) => {
    const ours = qpsAt(
      points.filter(({ engine }) => engine === 'coppice'),
      recall,
    );
    const theirs = qpsAt(
      points.filter(({ engine }) => engine === 'hnswlib'),
      recall,
    );
    return { recall, coppiceQps: ours, hnswlibQps: theirs, ratio: ours / theirs };
  });
  const build = {
    coppiceSeconds: coppice.buildSeconds,
    hnswlibSeconds: hnswBuildSeconds,
    ratio: hnswBuildSeconds / coppice.buildSeconds,
  };
  const { tree, codes, ids } = coppice.bytesPerVector;
  const memory = {
    coppiceBytesPerVector: tree + codes + ids,
    hnswlibBytesPerVector: base.dimension * 4 + HNSW_M * 2 * 4 + 12,
  };
  console.log(
    `${base.count} x ${base.dimension}, ${coppice.leaves} leaves, ${coppice.settings.bits} bits, 1 thread\n`,
  );
  console.log(recordTable(points));
  console.log(recordTable(comparison));
  console.log(recordTable([build]));
  console.log(recordTable([memory]));
  console.log(JSON.stringify({ points, comparison, build, memory }));
}

function trueNeighbours(index: BuiltIndex, queries: Matrix): ArrayLike<number>[] {
  return Array.from({ length: queries.count }, (_, i) => {
    const query = { vector: row(queries, i), k: K, probes: 0, rerankFactor: 1, exact: true };
    return index.search(query).rows;
  });
}

function buildHnsw(base: Matrix): InstanceType<typeof hnswlib.HierarchicalNSW> {
  const index = new hnswlib.HierarchicalNSW('ip', base.dimension);
  index.initIndex(base.count, HNSW_M, HNSW_EF_CONSTRUCTION, HNSW_SEED);
  for (let i = 0; i < base.count; i++) index.addPoint(Array.from(row(base, i)), i);
  return index;
}

function coppiceCandidates(index: BuiltIndex, queries: Matrix): Candidate[] {
  return COPPICE_RUNS.filter(({ probes }) => probes <= index.leaves).map(({ probes, rerankFactor }) => ({
    engine: 'coppice',
    setting: `probes ${probes}, rerank ${rerankFactor}`,
    search: (i) => index.search({ vector: row(queries, i), k: K, probes, rerankFactor, exact: false }).rows,
  }));
}

function hnswCandidates(index: InstanceType<typeof hnswlib.HierarchicalNSW>, queries: Matrix): Candidate[] {
  // The addon takes plain arrays only; making them is not part of its time.
  const arrays = Array.from({ length: queries.count }, (_, i) => Array.from(row(queries, i)));
  return HNSW_EFS.map((ef) => ({
    engine: 'hnswlib',
    setting: `ef ${ef}`,
    search: (i) => {
      index.setEf(ef);
      return index.searchKnn(arrays[i] as number[], K).neighbors;
    },
  }));
}

/** All candidates in turn, round after round, so that the machine's drift falls on all alike; medians over the rounds. */
function measure(
  candidates: Candidate[],
  truth: ArrayLike<number>[],
  queryCount: number,
  rounds: number,
): Point[] {
  const runs = candidates.map(() => [] as { qps: number; p50Us: number; p99Us: number }[]);
  const recalls = candidates.map(({ search }) => {
    return recallAt(
      K,
      truth,
      Array.from({ length: queryCount }, (_, i) => Array.from(search(i))),
    );
  });
  for (let round = 0; round < rounds; round++) {
    candidates.forEach(({ search }, c) => {
      const times = Array.from({ length: queryCount }, (_, i) => {
        const startedMs = performance.now();
        search(i);
        return performance.now() - startedMs;
      });
      const total = times.reduce((sum, ms) => sum + ms, 0);
      times.sort((a, b) => a - b);
      runs[c]?.push({
        qps: (queryCount / total) * 1000,
        p50Us: (times[queryCount >> 1] as number) * 1000,
        p99Us: (times[Math.floor(queryCount * 0.99)] as number) * 1000,
      });
    });
  }
  return candidates.map(({ engine, setting }, c) => ({
    engine,
    setting,
    recall: recalls[c] as number,
    qps: median(runs[c]?.map(({ qps }) => qps) ?? []),
    p50Us: median(runs[c]?.map(({ p50Us }) => p50Us) ?? []),
    p99Us: median(runs[c]?.map(({ p99Us }) => p99Us) ?? []),
  }));
}

/** QPS at a recall, on the straight line between the measured points on both sides; NaN outside of them. */
function qpsAt(points: Point[], recall: number): number {
  const sorted = [...points].sort((a, b) => a.recall - b.recall);
  const above = sorted.findIndex((point) => point.recall >= recall);
  const high = sorted[above];
  const low = sorted[above - 1];
  if (high === undefined) return Number.NaN;
  if (low === undefined) return high.qps;
  const share = (recall - low.recall) / (high.recall - low.recall);
  return low.qps + share * (high.qps - low.qps);
}
