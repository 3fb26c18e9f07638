// Memory goes back to the system when a collection is dropped and when a build has replaced its index.

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { batchOf, type TestPoint } from './batches.js';
import { creation, openEngine, searchFor } from './engine.js';

t.setTimeout(600_000);
const LINUX_ONLY = { skip: process.platform === 'linux' ? false : 'reads /proc' };

const MIB = 2 ** 20;
/** Build threads end after five seconds without work, and keep their maps until then. */
const PATIENCE_MS = 30_000;

function mappedVectorFiles(directory: string): string[] {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return lines.filter((line) => line.includes(directory) && line.includes('.vec'));
}

function anonymousBytes(): number {
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  return Number(/^Anonymous: +(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
}

async function until(isDone: () => boolean): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += 500) {
    if (isDone()) return true;
    await setTimeout(500);
  }
  return isDone();
}

function pointsOf(count: number, dimension: number): TestPoint[] {
  return Array.from({ length: count }, (_, id) => ({
    id,
    vector: Float32Array.from({ length: dimension }, (_, i) => ((id * 31 + i * 17) % 101) + id / count),
  }));
}

t.test(
  'no thread keeps the files of a replaced index, nor of a dropped collection, mapped',
  LINUX_ONLY,
  async (t) => {
    const engine = await openEngine(t);
    const words = await engine.collections.create(creation({ name: 'words', dimension: 16 }));
    const points = pointsOf(3000, 16);
    await words.upsert(batchOf(points));
    const search = () =>
      Promise.all(
        points.slice(0, 40).map(({ vector }) => words.search(searchFor({ vector, with_vector: true }))),
      );
    for (let generation = 1; generation <= 2; generation++) {
      await search();
      await words.startBuild({}).done;
    }
    await search();
    t.ok(mappedVectorFiles(engine.directory).length > 0);
    const isOld = (line: string) => line.includes('deleted');
    t.ok(await until(() => !mappedVectorFiles(engine.directory).some(isOld)), 'deleted files are let go');
    await engine.collections.drop('words');
    t.ok(await until(() => mappedVectorFiles(engine.directory).length === 0), 'no file is mapped');
  },
);

t.test('the memory of a dropped collection goes back', LINUX_ONLY, async (t) => {
  const engine = await openEngine(t);
  const vectors = pointsOf(500, 2048).map(({ vector }) => vector);
  const live = async () => {
    const words = await engine.collections.create(
      creation({ name: 'words', dimension: 2048, storage: 'memory' }),
    );
    for (let first = 0; first < 12_000; first += vectors.length) {
      await words.upsert(batchOf(vectors.map((vector, i) => ({ id: first + i, vector }))));
    }
    await words.search(searchFor({ vector: vectors[3] as ArrayLike<number>, exact: true }));
  };
  // The first time the threads start, and the allocator takes what it keeps for itself.
  await live();
  await engine.collections.drop('words');
  await setTimeout(1000);
  const before = anonymousBytes();
  await live();
  const grown = anonymousBytes() - before;
  t.ok(grown > 80 * MIB, `${grown / MIB} MiB`);
  await engine.collections.drop('words');
  const kept = () => anonymousBytes() - before;
  t.ok(await until(() => kept() < 30 * MIB), `${kept() / MIB} MiB are kept`);
});

t.test('a replaced generation and the arena of its build go back', LINUX_ONLY, async (t) => {
  const engine = await openEngine(t);
  const words = await engine.collections.create(
    creation({ name: 'words', dimension: 1024, storage: 'memory' }),
  );
  const vectors = pointsOf(500, 1024).map(({ vector }) => vector);
  for (let first = 0; first < 12_000; first += vectors.length) {
    await words.upsert(batchOf(vectors.map((vector, i) => ({ id: first + i, vector }))));
  }
  const build = async () => {
    t.match(await words.startBuild({ max_leaf_size: 500 }).done, { state: 'succeeded' });
    await words.search(searchFor({ vector: vectors[3] as ArrayLike<number> }));
  };
  await build();
  // Build threads end, and what they had goes with them.
  await setTimeout(7000);
  const before = anonymousBytes();
  let peak = before;
  const watching = setInterval(() => {
    peak = Math.max(peak, anonymousBytes());
  }, 20);
  await build();
  clearInterval(watching);
  t.ok(peak - before > 80 * MIB, `${(peak - before) / MIB} MiB more for a while: arena and vectors`);
  const kept = () => anonymousBytes() - before;
  t.ok(await until(() => kept() < 15 * MIB), `${kept() / MIB} MiB are kept`);
});
