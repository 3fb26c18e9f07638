import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CheckedFile, readCheckedFile, writeCheckedFile } from '../../src/storage/checked-file.js';
import { BLOCK_BYTES } from '../../src/storage/checked-layout.js';
import { codeOf, flipBit, temporaryDirectory } from './fixtures.js';

const KIND = { magic: 'COPTEST1', version: 3 };

function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => (index * 31 + (index >> 9)) & 0xff);
}

async function readAll(path: string): Promise<Map<number, Uint8Array>> {
  const sections = new Map<number, Uint8Array>();
  await readCheckedFile(path, KIND, (id, bytes) => {
    const memory = new Uint8Array(bytes);
    sections.set(id, memory);
    return memory;
  });
  return sections;
}

t.test('gives back the sections that were written, whatever their sizes and parts', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  const sizes = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 16 * BLOCK_BYTES + 7, 40 * BLOCK_BYTES];
  const sections = sizes.map((bytes, id) => {
    const whole = pattern(bytes);
    return { id: id + 10, parts: [whole.subarray(0, bytes >> 2), whole.subarray(bytes >> 2)] };
  });
  await writeCheckedFile(path, KIND, sections);
  const read = await readAll(path);
  for (const [index, bytes] of sizes.entries())
    t.same(Buffer.compare(read.get(index + 10) as Uint8Array, pattern(bytes)), 0);
});

t.test('reads straight into shared memory, and writes from it', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  const memory = new SharedArrayBuffer(8 * 65_536);
  new Uint8Array(memory, 100, 200_000).set(pattern(200_000));
  await writeCheckedFile(path, KIND, [{ id: 1, parts: [new Uint8Array(memory, 100, 200_000)] }]);
  new Uint8Array(memory).fill(0);
  const file = await CheckedFile.open(path, KIND);
  t.equal(file.sectionBytes(1), 200_000);
  t.equal(file.sectionBytes(2), undefined);
  await file.read(1, new Uint8Array(memory, 300, 200_000));
  await file.close();
  t.same(Buffer.compare(new Uint8Array(memory).slice(300, 200_300), pattern(200_000)), 0);
});

t.test('finds every flipped bit, or the flip changes nothing', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  await writeCheckedFile(path, KIND, [
    { id: 1, parts: [pattern(70_000)] },
    { id: 2, parts: [pattern(5000)] },
  ]);
  const sound = readFileSync(path);
  const places = [
    0,
    8,
    12,
    16,
    24,
    32,
    40,
    48,
    56,
    64,
    72,
    79,
    81,
    4096,
    69_631,
    4096 + 70_000,
    77_824,
    82_000,
  ];
  for (const place of [...places, sound.length - 1, sound.length - 5, sound.length - 13]) {
    flipBit(path, place, place % 8);
    if ((await codeOf(() => readAll(path))) === 'none') {
      const read = await readAll(path);
      t.same(read.get(1), pattern(70_000), `harmless at ${place}`);
      t.same(read.get(2), pattern(5000), `harmless at ${place}`);
    }
    writeFileSync(path, sound);
  }
  flipBit(path, 4096 + 66_000);
  await t.rejects(readAll(path), { code: 'storage_corrupt', fields: { path, offset: 4096 + BLOCK_BYTES } });
});

t.test('refuses truncated, emptied, lengthened, missing and foreign files', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  await writeCheckedFile(path, KIND, [{ id: 1, parts: [pattern(70_000)] }]);
  const { size } = statSync(path);
  const sound = readFileSync(path);
  t.equal(
    await codeOf(() => readCheckedFile(path, { ...KIND, version: 4 }, () => new Uint8Array())),
    'storage_corrupt',
  );
  t.equal(
    await codeOf(() => readCheckedFile(path, { ...KIND, magic: 'COPTEST2' }, () => new Uint8Array())),
    'storage_corrupt',
  );
  for (const bytes of [size - 1, size - 4, 70_000, 4096, 50, 31, 0]) {
    truncateSync(path, bytes);
    t.equal(await codeOf(() => readAll(path)), 'storage_corrupt', `cut off at ${bytes}`);
    writeFileSync(path, sound);
  }
  writeFileSync(path, Buffer.concat([sound, Buffer.alloc(1)]));
  t.equal(await codeOf(() => readAll(path)), 'storage_corrupt');
  t.equal(await codeOf(() => readAll(`${path}.missing`)), 'storage_corrupt');
});
