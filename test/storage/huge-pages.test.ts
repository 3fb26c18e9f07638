import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { preferHugePages } from '../../src/storage/huge-pages.js';

/** Mappings of this process that ask for huge pages. */
function advisedMappings(): number {
  const flags = readFileSync('/proc/self/smaps', 'utf8').match(/^VmFlags:.*$/gm) ?? [];
  return flags.filter((line) => line.split(' ').includes('hg')).length;
}

t.test('a memory asks for huge pages and keeps its bytes', async (t) => {
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 65_536, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(7);
  const isKnown = existsSync('/sys/kernel/mm/transparent_hugepage');
  const before = isKnown ? advisedMappings() : 0;
  preferHugePages(memory);
  if (isKnown) t.equal(advisedMappings(), before + 1);
  t.ok(bytes.every((byte) => byte === 7));
  memory.grow(16);
  new Uint8Array(memory.buffer).fill(1, 256 * 65_536);
});
