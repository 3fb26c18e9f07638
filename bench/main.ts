// Runs the benchmarks: `npm run bench -- [kernels|search|service ...] [--smoke]`, all of them if none is named.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { benchSearch } from './search.js';

const NAMES = ['kernels', 'search', 'service'] as const;
const HELP = `npm run bench -- [${NAMES.join('|')} ...] [--smoke]

kernels   speed of each WebAssembly kernel
search    recall against QPS of one thread in process, beside hnswlib-node (fetches the GloVe vectors from npm)
service   figures of a running service, over HTTP
--smoke   seconds instead of minutes, on made-up data: proves that the benchmarks still run`;

const args = process.argv.slice(2);
const smoke = args.includes('--smoke');
const named = args.filter((arg) => arg !== '--smoke');
const unknown = named.find((name) => !NAMES.includes(name as never));
if (unknown !== undefined) {
  console.error(unknown === '--help' ? HELP : `unknown benchmark ${unknown}\n\n${HELP}`);
  process.exit(unknown === '--help' ? 0 : 2);
}

for (const name of named.length > 0 ? named : NAMES) {
  console.log(`\n# ${name}\n`);
  if (name === 'search') console.log(JSON.stringify(await benchSearch({ smoke })));
  else runScript(`./${name}.js`);
}

/** In a process of its own: it measures with nothing else in memory. */
function runScript(file: string): void {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...(smoke ? ['--smoke'] : [])], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
