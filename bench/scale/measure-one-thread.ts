// Recall and speed of one search thread in process, on the index that a service has built.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openInProcess } from '../coppice-in-process.js';
import { type Matrix, recallByDistance, row } from '../data/split.js';
import { coppiceEfforts } from '../engines/coppice-efforts.js';
import { recordTable } from '../report.js';
import { speedAt } from '../search/compare.js';
import { measure, type Point } from '../search/measure.js';
import type { Figures } from '../service/figures.js';
import type { Truth } from './load-truth.js';

const TARGETS = [0.9, 0.95, 0.98, 0.99];
const PROMISED = { recall: 0.95, qps: '>= 1000' };

export interface OneThreadOptions {
  dataDir: string;
  queries: Matrix;
  truth: Truth;
  k: number;
  rounds: number;
  say(text: string): void;
}

/** Adds the QPS at each target; prints all efforts. */
export async function measureOneThread(
  { dataDir, queries, truth, k, rounds, say }: OneThreadOptions,
  figures: Figures,
): Promise<Point[]> {
  const index = await openInProcess(generationIn(dataDir));
  const efforts = coppiceEfforts(index, k).map(({ setting, plan }) => ({
    setting,
    search: (query: number) => index.search({ vector: row(queries, query), k, ...plan }).distances,
  }));
  const engines = [{ name: 'coppice', efforts }];
  const points = await measure(engines, queries.count, (found) => recallByDistance(k, truth.squares, found), {
    rounds,
    say,
  });
  await index.close();
  console.log(recordTable(points));
  for (const recall of TARGETS) {
    const setting = `recall ${recall}`;
    const wanted = recall === PROMISED.recall ? PROMISED.qps : '';
    const byClock = speedAt(points, recall, ({ qps }) => qps);
    const byProcessor = speedAt(points, recall, ({ cpuUs }) => 1e6 / cpuUs);
    if (byClock === undefined || byProcessor === undefined) continue;
    figures.add('search, one thread in process', byClock, 'QPS', { setting, wanted });
    figures.add('search, one thread in process, by processor time', byProcessor, 'QPS', { setting, wanted });
  }
  return points;
}

/** The only generation of the only collection. */
function generationIn(dataDir: string): string {
  const collections = join(dataDir, 'collections');
  const generations = join(collections, onlyOne(collections), 'generations');
  return join(generations, onlyOne(generations));
}

function onlyOne(folder: string): string {
  const [name, ...others] = readdirSync(folder);
  if (name === undefined || others.length > 0) throw new Error(`${folder} should hold one directory`);
  return name;
}
