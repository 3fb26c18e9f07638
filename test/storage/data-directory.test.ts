import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Catalog, type CatalogEntry } from '../../src/storage/catalog.js';
import { DataDirectory } from '../../src/storage/data-directory.js';
import { directoryBytes, freeBytes, writeFileDurable } from '../../src/storage/files.js';
import { codeOf, temporaryDirectory } from './fixtures.js';

t.test('a second opening is refused until the first is closed', async (t) => {
  const path = join(temporaryDirectory(t), 'a', 'data');
  const first = await DataDirectory.open(path);
  await t.rejects(DataDirectory.open(path), { code: 'data_directory_in_use', fields: { path } });
  await first.close();
  await (await DataDirectory.open(path)).close();
  t.same(readdirSync(path), ['collections']);
});

t.test('the lock of a living process is respected, that of a dead one is taken over', async (t) => {
  const path = temporaryDirectory(t);
  const other = spawn('sleep', ['60']);
  const ended = new Promise((resolve) => other.once('exit', resolve));
  writeFileSync(join(path, 'lock'), JSON.stringify({ pid: other.pid, started: '' }));
  t.equal(await codeOf(() => DataDirectory.open(path)), 'data_directory_in_use');
  writeFileSync(join(path, 'lock'), JSON.stringify({ pid: other.pid, started: 'another-boot/1' }));
  await (await DataDirectory.open(path)).close();
  writeFileSync(join(path, 'lock'), JSON.stringify({ pid: other.pid, started: '' }));
  other.kill();
  await ended;
  await (await DataDirectory.open(path)).close();
  writeFileSync(join(path, 'lock'), 'torn');
  await (await DataDirectory.open(path)).close();
});

t.test('collections and generations have their directories, and lose them', async (t) => {
  const data = await DataDirectory.open(temporaryDirectory(t));
  t.teardown(() => data.close());
  const paths = await data.createCollection('c1');
  t.ok(existsSync(paths.points) && existsSync(paths.segments) && existsSync(paths.generations));
  t.same(await data.collectionIds(), ['c1']);
  await writeFileDurable(join(paths.segments, 'file'), [new Uint8Array(100_000), new Uint8Array(1)]);
  t.ok((await directoryBytes(paths.root)) >= 100_001);
  t.ok((await freeBytes(data.path)) > 0);
  for (const generation of [10, 2]) await writeFileDurable(data.generationPath('c1', generation), []);
  t.same(await data.generations('c1'), [2, 10]);
  await data.removeGeneration('c1', 2);
  t.same(await data.generations('c1'), [10]);
  await data.removeCollection('c1');
  await data.removeCollection('c1');
  t.same(await data.collectionIds(), []);
  t.equal(await directoryBytes(paths.root), 0);
  for (const id of ['', '..', 'a/b', '../c', 'A', '.']) t.throws(() => data.collection(id), RangeError);
  t.throws(() => data.generationPath('c1', -1), RangeError);
});

t.test('the catalog keeps entries by name', async (t) => {
  const path = join(temporaryDirectory(t), 'catalog');
  const entry: CatalogEntry<{ quantizer: string }> = {
    id: 'c1',
    name: 'words',
    dimension: 100,
    metric: 'cosine',
    precision: 'int8',
    index: { quantizer: 'rabitq' },
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  let catalog = await Catalog.open<{ quantizer: string }>(path);
  t.same(catalog.list(), []);
  await catalog.put(entry);
  await catalog.put({ ...entry, id: 'c2', name: 'images' });
  await catalog.close();
  catalog = await Catalog.open(path);
  t.same(catalog.get('words'), entry);
  t.equal(catalog.get('nothing'), undefined);
  t.same(
    catalog.list().map(({ id }) => id),
    ['c2', 'c1'],
  );
  await catalog.remove('words');
  await catalog.remove('words');
  t.same(
    catalog.list().map(({ id }) => id),
    ['c2'],
  );
  await catalog.close();
});
