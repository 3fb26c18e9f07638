import { cp, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { GENERATION_FORMAT_VERSION } from '../../src/index/generation.js';
import { seededRandom } from '../../src/index/random.js';
import { batchOf } from './batches.js';
import { creation, type Engine, openEngine, searchFor } from './engine.js';

// Threads start slowly where the tests share few cores.
t.setTimeout(120_000);

const DIMENSION = 8;

async function filled(engine: Engine, name: string, count: number): Promise<Collection> {
  const random = seededRandom(7);
  const collection = await engine.collections.create(creation({ name, dimension: DIMENSION }));
  const points = Array.from({ length: count }, (_, id) => ({
    id,
    vector: Array.from({ length: DIMENSION }, random),
    payload: { id },
  }));
  await collection.upsert(batchOf(points));
  return collection;
}

async function collectionDirectories(engine: Engine): Promise<string[]> {
  const parent = join(engine.directory, 'collections');
  return (await readdir(parent)).map((name) => join(parent, name));
}

async function flipByte(path: string, place: number): Promise<void> {
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  const byte = new Uint8Array(1);
  const position = Math.floor(size * place);
  await file.read(byte, 0, 1, position);
  await file.write(Uint8Array.of((byte[0] as number) ^ 0x40), 0, 1, position);
  await file.close();
}

t.test('a damaged index is built again from the vectors, with every point', async (t) => {
  const engine = await openEngine(t);
  const words = await filled(engine, 'words', 800);
  await words.startBuild({ max_leaf_size: 100 }).done;
  await words.deletePoints({ ids: [3, 4] });
  await words.upsert(
    batchOf([{ id: 5, vector: Array.from({ length: DIMENSION }, () => 9), payload: { late: true } }]),
  );
  const before = await words.search(searchFor({ id: 10, k: 30, exact: true, with_payload: true }));
  await engine.collections.close();
  const [directory = ''] = await collectionDirectories(engine);
  await flipByte(join(directory, 'generations', '1', 'index.bin'), 0.5);

  const reopened = (await engine.reopen()).get('words');
  t.match(engine.complaints, [{ message: /damaged/ }]);
  t.equal(reopened.pointsCount, 798);
  t.match(await reopened.getPoint(5), { payload: { late: true } });
  t.match(await reopened.build?.done, { state: 'succeeded' });
  t.match(reopened.describe(), { points_count: 798, indexed_count: 798, index: { state: 'ready' } });
  const after = await reopened.search(searchFor({ id: 10, k: 30, exact: true, with_payload: true }));
  t.strictSame(after.results, before.results);
  const again = (await engine.reopen()).get('words');
  t.match(again.describe(), { points_count: 798, indexed_count: 798 });
});

t.test('an index of an older format is built again from the vectors', async (t) => {
  const engine = await openEngine(t);
  await (await filled(engine, 'words', 300)).startBuild({ max_leaf_size: 100 }).done;
  await engine.collections.close();
  const [directory = ''] = await collectionDirectories(engine);
  const file = await open(join(directory, 'generations', '1', 'index.bin'), 'r+');
  await file.write(Uint8Array.of(GENERATION_FORMAT_VERSION - 1), 0, 1, 8);
  await file.close();

  const reopened = (await engine.reopen()).get('words');
  t.match(engine.complaints, [{ message: /damaged/ }]);
  t.match(await reopened.build?.done, { state: 'succeeded' });
  t.match(reopened.describe(), { points_count: 300, indexed_count: 300, index: { state: 'ready' } });
});

t.test('a collection whose vectors are gone is set aside, the others are served', async (t) => {
  const engine = await openEngine(t);
  await filled(engine, 'whole', 10);
  const [whole] = await collectionDirectories(engine);
  await filled(engine, 'broken', 10);
  await engine.collections.close();
  const broken = (await collectionDirectories(engine)).find((directory) => directory !== whole) as string;
  for (const name of await readdir(join(broken, 'segments'))) await rm(join(broken, 'segments', name));

  const collections = await engine.reopen();
  t.throws(() => collections.get('broken'), {
    code: 'collection_unavailable',
    fields: { reason: 'storage_corrupt' },
  });
  t.equal(collections.get('whole').pointsCount, 10);
  t.match(collections.stats().collections, { served: 1, loading: 0, unavailable: 1 });
  t.ok(collections.ready);
  await t.rejects(collections.create(creation({ name: 'broken', dimension: 3 })), {
    code: 'collection_exists',
  });
  await collections.drop('broken');
  await collections.create(creation({ name: 'broken', dimension: 3 }));
  t.equal(collections.list().length, 2);
});

t.test('what a crash left behind is removed at the next start', async (t) => {
  const engine = await openEngine(t);
  const words = await filled(engine, 'words', 500);
  await words.startBuild({}).done;
  await engine.collections.close();
  const [directory = ''] = await collectionDirectories(engine);
  await cp(join(directory, 'generations', '1'), join(directory, 'generations', '7'), { recursive: true });
  await mkdir(join(engine.directory, 'collections', 'unknown-one', 'points'), { recursive: true });
  await writeFile(join(engine.directory, 'collections', 'unknown-one', 'points', 'x'), 'x');

  const reopened = (await engine.reopen()).get('words');
  t.strictSame(await readdir(join(directory, 'generations')), ['1']);
  t.equal((await collectionDirectories(engine)).length, 1);
  t.equal(reopened.describe().indexed_count, 500);
});

t.test('old files go after a switch, and everything after a drop', async (t) => {
  const engine = await openEngine(t);
  const words = await filled(engine, 'words', 300);
  const [directory = ''] = await collectionDirectories(engine);
  await words.startBuild({}).done;
  await words.startBuild({}).done;
  await until(async () => (await readdir(join(directory, 'generations'))).length === 1);
  t.strictSame(await readdir(join(directory, 'generations')), ['2']);
  t.strictSame(await readdir(join(directory, 'segments')), []);
  const searching = words.search(searchFor({ id: 1, k: 5 }));
  const dropped = engine.collections.drop('words');
  t.equal((await searching).results.length, 5);
  await dropped;
  await t.rejects(stat(directory), { code: 'ENOENT' });
  await t.rejects(words.search(searchFor({ vector: new Float32Array(DIMENSION) })), {
    code: 'collection_not_found',
  });
  await t.rejects(words.upsert(batchOf([{ id: 1, vector: new Float32Array(DIMENSION) }])), {
    code: 'collection_not_found',
  });
});

t.test('a drop ends a build that runs', async (t) => {
  const engine = await openEngine(t);
  const words = await filled(engine, 'words', 5000);
  const job = words.startBuild({});
  await engine.collections.drop('words');
  t.match(await job.done, { state: 'canceled' });
  t.strictSame(await collectionDirectories(engine), []);
});

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200 && !(await isTrue()); tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
}
