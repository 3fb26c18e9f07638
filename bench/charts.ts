// Draws docs/charts from the results of full runs. Usage: npm run bench -- charts [--smoke]

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchOptions } from './bench-options.js';
import { barChart } from './charts/bar-chart.js';
import { recallChart } from './charts/recall-chart.js';
import { type Circumstances, RESULTS } from './results.js';
import type { Point } from './search/measure.js';

const HELP = `npm run bench -- charts [--smoke]

Reads bench/results/search-*.json and writes docs/charts; with --smoke it only draws.`;
const CHARTS = join('docs', 'charts');

interface SearchResult extends Circumstances {
  data: { name: string; count: number; dimension: number };
  points: Point[];
  sizes: { engine: string; buildCpuSeconds: number; indexBytesPerVector: number }[];
}

const { smoke } = benchOptions(HELP, {});
const names = readdirSync(RESULTS).filter((name) => /^search-.*\.json$/.test(name));
if (names.length === 0) {
  const missing = `${RESULTS} has no result of npm run bench -- search: nothing to draw`;
  if (!smoke) throw new Error(missing);
  console.log(missing);
}
for (const name of names) {
  const result = JSON.parse(readFileSync(join(RESULTS, name), 'utf8')) as SearchResult;
  for (const [kind, svg] of Object.entries(chartsOf(result))) {
    if (!svg.startsWith('<svg')) throw new Error(`${kind} of ${name} is no SVG`);
    const path = join(CHARTS, `${kind}-${result.data.name}.svg`);
    console.log(`${path}: ${svg.length} bytes`);
    if (smoke) continue;
    mkdirSync(CHARTS, { recursive: true });
    writeFileSync(path, svg);
  }
}

function chartsOf({ data, points, sizes, machine, date }: SearchResult): Record<string, string> {
  const what = `${data.name}, ${data.count.toLocaleString('en-US')} x ${data.dimension}`;
  return {
    recall: recallChart(`Recall and speed on one core: ${what} (${machine}, ${date})`, points),
    memory: barChart(
      `Bytes in RAM a vector: ${what}`,
      sizes.map(({ engine, indexBytesPerVector: value }) => ({ engine, value })),
    ),
    build: barChart(
      `Seconds to build the index on one core: ${what}`,
      sizes.map(({ engine, buildCpuSeconds: value }) => ({ engine, value })),
    ),
  };
}
