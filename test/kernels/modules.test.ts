// The compiled modules: what they import, that they hold no data, and which one is chosen.

import { readFileSync } from 'node:fs';
import t from 'tap';
import { CandidateBuffer } from '../../src/index/candidate-buffer.js';
import { compiledKernels, instantiateKernels } from '../../src/kernels/kernels.js';
import { BUFFER_HEADER_BYTES, codeBytes } from '../../src/kernels/layout.js';
import { Arena, gaussian, random } from './arena.js';
import { halfOfFloat } from './reference.js';

const FUNCTIONS = [
  ...['accumulate', 'assign', 'boundCandidates', 'buildTables', 'chooseProbes', 'countClear'],
  ...['countMatches', 'decodeRow', 'distances'],
  ...[
    'encode',
    'excludeUnmatched',
    'expectHits',
    'finishBuffer',
    'listClear',
    'listLeaves',
    'listPositions',
    'listWithin',
  ],
  ...['normalize', 'partition'],
  ...[
    'pushCandidates',
    'pushExact',
    'pushListed',
    'pushRows',
    'quantizeQuery',
    'rescore',
    'rotate',
    'scaleVector',
    'scanHamming',
  ],
  ...['scanLeaves', 'signCode', 'sortBuffer', 'squaredNorm', 'subtract', 'sumListed', 'tighten'],
];
const DATA_SECTION = 11;

function readModule(name: string): Uint8Array {
  return readFileSync(new URL(`../../src/kernels/${name}`, import.meta.url));
}

/** Section ids of a module, read from its bytes. */
function sections(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  let at = 8;
  while (at < bytes.length) {
    ids.push(bytes[at++] as number);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      size += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    at += size;
  }
  return ids;
}

for (const name of ['kernels.wasm', 'kernels-relaxed.wasm']) {
  t.test(`${name} imports only the memory and owns none`, async (t) => {
    const bytes = readModule(name);
    t.notOk(sections(bytes).includes(DATA_SECTION), 'no data section');
    if (!WebAssembly.validate(bytes)) {
      t.equal(name, 'kernels-relaxed.wasm', 'only the relaxed module may be refused');
      return;
    }
    const module = new WebAssembly.Module(bytes);
    t.strictSame(WebAssembly.Module.imports(module), [{ module: 'env', name: 'memory', kind: 'memory' }]);
    t.strictSame(
      WebAssembly.Module.exports(module)
        .map((entry) => entry.name)
        .sort(),
      FUNCTIONS,
    );
  });
}

t.test('the module is compiled once a thread and bound to any number of memories', async (t) => {
  t.equal(compiledKernels(), compiledKernels());
  const first = new Arena();
  const second = instantiateKernels(new Arena().memory, compiledKernels());
  const vector = first.floats([3, 4, 0, 0, 0, 0, 0, 0]);
  t.equal(first.kernels.squaredNorm(vector.address, 8), 25);
  t.equal(second.squaredNorm(vector.address, 8), 0);
});

t.test('addresses above 2 GiB work', async (t) => {
  const arena = new Arena(2 ** 20, 3 * 2 ** 30);
  const vector = arena.floats(Float32Array.from({ length: 104 }, (_, i) => i));
  const out = arena.floats(1);
  arena.kernels.distances(vector.address, vector.address, 1, 104, 2, out.address);
  t.equal(out.view[0], -(103 * 104 * 207) / 6);
  const sum = arena.floats(104);
  arena.kernels.subtract(vector.address, vector.address, sum.address, 104);
  t.equal(arena.kernels.squaredNorm(sum.address, 104), 0);
});

t.test('relaxed SIMD is used, and both modules compute the same', async (t) => {
  t.ok(WebAssembly.validate(readModule('kernels-relaxed.wasm')), 'this engine accepts it');
  const estimates = ['kernels.wasm', 'kernels-relaxed.wasm'].map((name) => {
    const { memory, kernels } = new Arena(2 ** 20, 64, new WebAssembly.Module(readModule(name)));
    const bytes = new Uint8Array(memory.buffer);
    const next = random(5);
    const dim = 104;
    const [tables, out, blocks, leaf, buffer, query] = [1024, 8192, 16_384, 40_960, 41_024, 65_536] as const;
    new Float32Array(memory.buffer, query, dim).set(gaussian(next, dim));
    kernels.buildTables(query, dim, tables, out);
    for (let i = 0; i < codeBytes(dim, 2); i++) bytes[blocks + i] = Math.floor(next() * 256);
    new Uint16Array(memory.buffer, blocks + codeBytes(dim, 2), 96).set(gaussian(next, 96).map(halfOfFloat));
    new Uint32Array(memory.buffer, leaf, 4).set([blocks, 32, 0, 0]);
    new Uint32Array(memory.buffer, buffer, 8).set([0, 96, 32, 0x7f800000, buffer + BUFFER_HEADER_BYTES, 0]);
    kernels.scanLeaves(tables, out, dim, 2, leaf, 1, buffer);
    return new CandidateBuffer(memory.buffer, buffer, 96);
  }) as [CandidateBuffer, CandidateBuffer];
  t.equal(estimates[0].count, 32);
  t.equal(estimates[1].count, 32);
  for (let i = 0; i < 32; i++) {
    t.ok(Math.abs(estimates[0].estimateAt(i) - estimates[1].estimateAt(i)) < 1e-4);
  }
});
