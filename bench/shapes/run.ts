// Whether the declared recall holds whatever the data do: many shapes of data, metrics and states. Cells are measured by
// processes beside this one, each with an engine of its own, so that all cores have work.
// Usage: npm run bench -- recall --shapes [--shape A,B] [--metric l2] [--state S] [--count N] [--queries N] [--smoke]

import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { benchOptions } from '../bench-options.js';
import { type Cell, printHead, printRow, printSummary } from './print-cells.js';
import type { Job } from './run-cells.js';
import { METRICS, SHAPES } from './shapes.js';
import { STATES } from './states.js';

const SMOKE_SHAPES = ['gaussian', 'clusters-apart'];
const COUNT = 5000;
const QUERIES = 1000;
const [SMOKE_COUNT, SMOKE_QUERIES] = [1200, 30];
const PROCESSES_MAX = 2;

const HELP = `npm run bench -- recall --shapes [--shape A,B] [--metric M,N] [--state S,T] [--count N] [--queries N] [--smoke]
npm run bench -- recall --copies [--shape A,B] [--metric M,N] [--count N] [--queries N] [--smoke]

--shapes  recall and work beside those of a fresh build, for each shape of data, metric and state
--copies  recall of the same data moved, turned, scaled and with its dimensions in another order
--shape   ${SHAPES.map(({ name }) => name).join(', ')}
--metric  ${METRICS.join(', ')}
--state   ${STATES.join(', ')}
--count   points before anything is deleted, ${COUNT} unless given
--queries of each cell, ${QUERIES} unless given`;

const options = benchOptions(HELP, {
  shapes: { type: 'boolean', default: false },
  copies: { type: 'boolean', default: false },
  shape: { type: 'string' },
  metric: { type: 'string' },
  state: { type: 'string' },
  count: { type: 'string' },
  queries: { type: 'string' },
});

const { smoke } = options;
const startedMs = performance.now();
const cells: Cell[] = [];
const jobs = jobsOf();
printHead();
await Promise.all(Array.from({ length: Math.min(jobs.length, processesMax()) }, work));
printSummary(cells, (performance.now() - startedMs) / 1000);
process.exitCode = smoke || cells.every(({ result }) => result.failures.length === 0) ? 0 : 1;

function jobsOf(): Job[] {
  const names = options.shape ?? (smoke ? SMOKE_SHAPES.join(',') : undefined);
  const size = {
    count: Number(options.count ?? (smoke ? SMOKE_COUNT : COUNT)),
    queries: Number(options.queries ?? (smoke ? SMOKE_QUERIES : QUERIES)),
  };
  const shapes = chosen(
    SHAPES.map(({ name }) => name),
    names,
  );
  const metrics = chosen(METRICS, options.metric);
  const states = chosen(STATES, options.state);
  const pairs = shapes.flatMap((shape) => metrics.map((metric) => ({ shape, metric, ...size })));
  if (options.copies) return pairs.map((pair) => ({ kind: 'copies', ...pair }));
  return pairs.flatMap((pair) => states.map((state) => ({ kind: 'cell', ...pair, state })));
}

/** Feeds one process with jobs until there are none. */
async function work(): Promise<void> {
  const child = fork(fileURLToPath(new URL('./run-cells.js', import.meta.url)), [`${processesMax()}`]);
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`a process that measures ended with ${code}`)));
  });
  ended.catch(() => {});
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    for (const cell of await Promise.race([answer(child, job), ended])) {
      cells.push(cell);
      printRow(cell);
    }
  }
  child.disconnect();
}

function answer(child: ChildProcess, job: Job): Promise<Cell[]> {
  return new Promise((resolve) => {
    child.once('message', (measured) => resolve(measured as Cell[]));
    child.send(job);
  });
}

function processesMax(): number {
  return Math.min(PROCESSES_MAX, availableParallelism());
}

function chosen<Name extends string>(all: readonly Name[], names: string | undefined): readonly Name[] {
  const wanted = names?.split(',').map((name) => name.trim()) ?? all;
  const unknown = wanted.filter((name) => !all.some((known) => known === name));
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(', ')}; there are ${all.join(', ')}`);
    process.exit(2);
  }
  return all.filter((known) => wanted.includes(known));
}
