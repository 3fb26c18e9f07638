// Queries of other kinds than the points, on a build of nothing but those: between points, amid many, beside one, far from all. A
// calibration, whose queries are points, has seen none of them. In process, one thread.
// Usage: npm run bench -- recall --unlike [--shape A,B] [--metric M,N] [--count N] [--queries N] [--k N] [--target R] [--smoke]

import type { Metric } from '../../src/contract/index-settings.js';
import { planSearch } from '../../src/index/plan.js';
import type { Answer } from '../../src/index/query.js';
import { seededRandom } from '../../src/index/random.js';
import { benchOptions } from '../bench-options.js';
import { type BuiltIndex, buildInProcess } from '../coppice-in-process.js';
import { type Matrix, row } from '../data/split.js';
import { mean, recordTable } from '../report.js';
import { drawPoints, drawQueries, normalSource } from '../shapes/shape.js';
import { METRICS, seedOf, shapeNamed } from '../shapes/shapes.js';

const SHAPES = 'gaussian,clusters-overlapping,near-duplicates,sparse';
const COUNT = 20_000;
const QUERIES = 300;
const [SMOKE_COUNT, SMOKE_QUERIES] = [1500, 20];
const BUILD_THREADS = 2;
/** What float32 may round away of a distance. */
const SLACK = 1e-5;

const HELP = `npm run bench -- recall --unlike [--shape A,B] [--metric M,N] [--count N] [--queries N] [--k N] [--target R] [--smoke]

alike     draws as the points are; between: middles of two points; amid: means of ten; centre: means of thirty that are close;
beside    a point and noise as far as its tenth neighbour, or twice as far; far: noise as long as a point
--shape   as of --shapes; ${SHAPES} unless given
--count   points, ${COUNT} unless given
--queries of each kind, ${QUERIES} unless given`;

const options = benchOptions(HELP, {
  unlike: { type: 'boolean', default: false },
  shape: { type: 'string', default: SHAPES },
  metric: { type: 'string', default: METRICS.join(',') },
  count: { type: 'string' },
  queries: { type: 'string' },
  k: { type: 'string', default: '10' },
  target: { type: 'string', default: '0.95' },
});
const { smoke } = options;
const k = Number(options.k);
const target = Number(options.target);
const count = Number(options.count ?? (smoke ? SMOKE_COUNT : COUNT));
const queries = Number(options.queries ?? (smoke ? SMOKE_QUERIES : QUERIES));
const rows: object[] = [];
for (const name of options.shape.split(',')) {
  for (const metric of options.metric.split(',') as Metric[]) await measure(name, metric);
}
console.log(`${count} points, ${queries} queries of each kind, k ${k}, target ${target}\n`);
console.log(recordTable(rows));

async function measure(name: string, metric: Metric): Promise<void> {
  const shape = shapeNamed(name);
  const random = seededRandom(seedOf(shape));
  const draw = shape.open(random);
  const base = drawPoints(draw, shape.dimension, count);
  const alike = drawQueries(draw, shape.dimension, queries, () => true);
  const index = await buildInProcess(base, { metric }, BUILD_THREADS);
  const plan = planSearch(index.shape, index.calibration, { k, targetRecall: target });
  for (const [kind, drawn] of Object.entries(kindsOf(index, base, alike, random))) {
    const answers = Array.from({ length: queries }, (_, i) => {
      const vector = drawn(i);
      return { answer: index.search({ vector, k, ...plan }), truth: exactly(index, vector, k) };
    });
    rows.push({
      shape: name,
      metric,
      kind,
      recall: mean(answers.map(({ answer, truth }) => hits(answer, truth) / k)),
      scanned: Math.round(mean(answers.map(({ answer }) => answer.stats.vectorsScanned))),
      'in doubt %': 100 * mean(answers.map(({ answer }) => (answer.stats.searchWay === 'probes' ? 0 : 1))),
    });
  }
  await index.close();
}

/** By the name of a kind: what draws its queries. */
function kindsOf(index: BuiltIndex, base: Matrix, alike: Matrix, random: () => number) {
  const normal = normalSource(random);
  const { dimension } = base;
  const any = () => row(base, Math.floor(random() * base.count));
  const close = (number: number) => [...exactly(index, any(), number).rows].map((at) => row(base, at));
  const meanOf = (vectors: Float32Array[]) =>
    Float32Array.from({ length: dimension }, (_, i) => mean(vectors.map((vector) => vector[i] as number)));
  const noisy = (times: number) => {
    const near = close(10);
    const [point, tenth] = [near[0], near.at(-1)] as [Float32Array, Float32Array];
    const size = (times * length(point.map((x, i) => x - (tenth[i] as number)))) / Math.sqrt(dimension);
    return point.map((x) => x + size * normal());
  };
  return {
    alike: (i: number) => row(alike, i).slice(),
    between: () => meanOf([any(), any()]),
    amid: () => meanOf(Array.from({ length: 10 }, any)),
    centre: () => meanOf(close(30)),
    beside: () => noisy(1),
    'beside, 2x': () => noisy(2),
    far: () => {
      const size = length(any()) / Math.sqrt(dimension);
      return Float32Array.from({ length: dimension }, () => size * normal());
    },
  };
}

function exactly(index: BuiltIndex, vector: Float32Array, wanted: number): Answer {
  return index.search({ vector, k: wanted, probes: 0, rerankFactor: 1, exact: true });
}

function hits({ distances }: Answer, truth: Answer): number {
  const kth = truth.distances[k - 1] as number;
  return distances.filter((distance, i) => i < k && distance <= kth + SLACK * Math.abs(kth)).length;
}

function length(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
}
