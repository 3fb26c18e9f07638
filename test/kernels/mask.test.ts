// The kernels of masks against plain loops over bits, at every offset.

import t from 'tap';
import { seededRandom } from '../../src/index/random.js';
import { instantiateKernels } from '../../src/kernels/kernels.js';
import { LEAF_ENTRY_BYTES } from '../../src/kernels/layout.js';

const BITS = 700;
const MASK = 1024;
const DEAD = 2048;
const OUT = 4096;

function setUp() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  const random = seededRandom(5);
  for (let i = 0; i < 128; i++) bytes[MASK + i] = Math.floor(random() * 256);
  for (let i = 0; i < 128; i++) bytes[DEAD + i] = Math.floor(random() * 256) & Math.floor(random() * 256);
  const isSet = (address: number, bit: number) =>
    (((bytes[address + (bit >>> 3)] as number) >> (bit & 7)) & 1) === 1;
  return { memory, bytes, isSet, kernels: instantiateKernels(memory) };
}

/** Clear bits of [first, end). */
function clearOf(isSet: (bit: number) => boolean, first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i).filter((bit) => !isSet(bit));
}

t.test('clear bits are counted and listed between any two bits', async (t) => {
  const { memory, isSet, kernels } = setUp();
  for (const first of [0, 1, 7, 8, 55, 56, 57, 63, 64, 100]) {
    for (const end of [first, first + 1, first + 55, first + 56, first + 57, 333, BITS]) {
      const clear = clearOf((bit) => isSet(MASK, bit), first, end);
      if (kernels.countClear(MASK, first, end) !== clear.length) t.fail(`count of ${first} to ${end}`);
      const count = kernels.listClear(MASK, first, end, 1000, OUT, BITS);
      const listed = [...new Uint32Array(memory.buffer, OUT, count)];
      if (listed.join() !== clear.map((bit) => 1000 + bit - first).join())
        t.fail(`list of ${first} to ${end}`);
    }
  }
  t.pass();
});

t.test('a list ends when it is full, and goes on behind its last', async (t) => {
  const { memory, isSet, kernels } = setUp();
  const clear = clearOf((bit) => isSet(MASK, bit), 3, BITS);
  const listed: number[] = [];
  for (let next = 3; ; next = (listed.at(-1) as number) + 1) {
    const count = kernels.listClear(MASK, next, BITS, next, OUT, 17);
    listed.push(...new Uint32Array(memory.buffer, OUT, count));
    if (count < 17) break;
  }
  t.strictSame(listed, clear);
});

t.test('what does not match, or is dead, is excluded, to the last byte and no further', async (t) => {
  for (const length of [0, 1, 15, 16, 17, 64, 77]) {
    const { bytes, isSet, kernels } = setUp();
    const before = bytes.slice(MASK, MASK + 128);
    const expected = Array.from({ length: 8 * length }, (_, bit) => !isSet(MASK, bit) || isSet(DEAD, bit));
    kernels.excludeUnmatched(MASK, DEAD, length);
    t.strictSame(
      expected.map((_, bit) => isSet(MASK, bit)),
      expected,
    );
    t.strictSame(bytes.slice(MASK + length, MASK + 128), before.slice(length), 'the rest is as it was');
  }
});

t.test('matches are counted leaf by leaf', async (t) => {
  const { memory, isSet, kernels } = setUp();
  const table = 8192;
  const sizes = [1, 0, 31, 32, 33, 200, 7];
  const words = new Uint32Array(memory.buffer, table, (sizes.length * LEAF_ENTRY_BYTES) / 4);
  let first = 5;
  const expected = sizes.map((size, leaf) => {
    words.set([0, size, first], (leaf * LEAF_ENTRY_BYTES) / 4);
    first += size;
    return clearOf((bit) => isSet(MASK, bit), first - size, first).length;
  });
  const total = kernels.countMatches(table, sizes.length, MASK, OUT);
  t.strictSame([...new Uint32Array(memory.buffer, OUT, sizes.length)], expected);
  t.equal(
    total,
    expected.reduce((sum, count) => sum + count, 0),
  );
});
