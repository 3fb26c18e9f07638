// Exits with 0 when the compiled kernels are newer than all they are made from: compiling them takes seconds, asking does not.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const sources = readdirSync(join(root, 'src/kernels/assembly')).map((name) => `src/kernels/assembly/${name}`);
const inputs = [...sources, 'scripts/build-wasm.mjs', 'package-lock.json'];
const outputs = ['dist/src/kernels/kernels.wasm', 'dist/src/kernels/kernels-relaxed.wasm'];

const changedAt = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs;
const oldestOutput = Math.min(...outputs.map((path) => changedAt(path) ?? 0));
const newestInput = Math.max(...inputs.map((path) => changedAt(path) ?? 0));
process.exitCode = oldestOutput > newestInput ? 0 : 1;
