// Compiles the kernels twice from one source: baseline SIMD, and relaxed SIMD for engines that accept it.
// Usage: node scripts/build-wasm.mjs [output folder]

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = path.resolve(root, process.argv[2] ?? 'dist/src/kernels');

const FLAGS = [
  ...['--runtime', 'stub', '--noAssert', '--importMemory', '--noExportMemory', '--sharedMemory'],
  ...['--initialMemory', '1', '--maximumMemory', '65536', '--enable', 'simd', '--enable', 'threads'],
  ...['-O3', '--converge'],
];

async function compile(name, extraFlags) {
  const started = performance.now();
  const { error, stdout, stderr } = await asc.main(
    [
      'src/kernels/assembly/index.ts',
      '--baseDir',
      root,
      '--outFile',
      path.join(target, name),
      ...FLAGS,
      ...extraFlags,
    ],
    {},
  );
  if (error) {
    console.error(stdout.toString() + stderr.toString());
    throw error;
  }
  console.log(`${name} in ${Math.round(performance.now() - started)} ms`);
}

await mkdir(target, { recursive: true });
await compile('kernels.wasm', []);
await compile('kernels-relaxed.wasm', ['--enable', 'relaxed-simd']);
