// Results of full runs, kept in bench/results for the charts and for whoever compares.

import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../src/version.js';

export const RESULTS = join('bench', 'results');

/** Where and when it was measured. */
export interface Circumstances {
  date: string;
  machine: string;
  node: string;
  coppice: string;
  /** Of the last minute, at the end of the run: more than the cores in use means that others used the machine. */
  load: number;
}

export async function saveResult(name: string, result: object): Promise<void> {
  const [cpu] = cpus();
  const circumstances: Circumstances = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} x ${cpu?.model ?? process.arch}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    coppice: VERSION,
    load: Number((loadavg()[0] as number).toFixed(1)),
  };
  await mkdir(RESULTS, { recursive: true });
  const path = join(RESULTS, `${name}.json`);
  await writeFile(path, `${JSON.stringify({ ...circumstances, ...rounded(result) }, null, 1)}\n`);
  console.error(`${path} is written`);
}

/** Four digits are more than any figure here deserves. */
function rounded(result: object): object {
  return JSON.parse(
    JSON.stringify(result, (_key, value) =>
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
    ),
  ) as object;
}
