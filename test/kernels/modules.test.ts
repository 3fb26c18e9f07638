// The compiled modules: what they import, that they hold no data, and which one is chosen.

import { readFileSync } from 'node:fs';
import t from 'tap';
import { compiledKernels, instantiateKernels } from '../../src/kernels/kernels.js';
import { Arena } from './arena.js';

const FUNCTIONS = [
  ...['accumulate', 'assign', 'boundCandidates', 'buildTables', 'distances', 'encode'],
  ...['finishBuffer', 'listLeaves', 'listPositions', 'normalize', 'partition', 'pushExact', 'pushListed'],
  ...['pushRows', 'rescore', 'rotate', 'scaleVector', 'scanHamming', 'scanLeaves', 'signCode'],
  ...['sortBuffer', 'squaredNorm', 'subtract'],
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
