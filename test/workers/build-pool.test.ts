import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { BuildControl } from '../../src/index/build/control.js';
import { BuildPool } from '../../src/workers/build-pool.js';
import { collectGarbage } from '../../src/workers/collect-garbage.js';
import { loadGeneration } from '../../src/workers/generation-files.js';
import { SearchPool } from '../../src/workers/search-pool.js';
import { nearestOf } from '../index/built.js';
import { assertValid } from '../index/validity.js';
import { builtView, pendingSource } from './source.js';

/** Of builds that nobody cancels. */
const { signal: canceled } = new AbortController();
const given = { dimension: 12, metric: 'l2', maxLeafSize: 100, branchingFactor: 8 } as const;

t.test('two threads build a valid generation, which opens again as it was written', async (t) => {
  const source = await pendingSource(t, 3000, given);
  for (const row of [3, 500, 2999]) source.generation.markDead(row);
  const pool = new BuildPool({ threads: 2 }, (error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const directory = join(source.directory, 'generation');
  const control = new BuildControl();
  const built = await pool.build({
    source: source.view,
    rowEnd: 2900,
    settings: source.view.settings,
    directory,
    control,
    canceled,
  });
  assertValid(t, built.generation, 100);
  t.equal(built.generation.slots, 2898);
  t.equal(built.generation.rowBase, 2900);
  t.equal(control.phase, 'calibrating');

  const loaded = await loadGeneration(directory, 'float32');
  const bytes = built.generation.layout.fileBytes;
  t.ok(
    Buffer.from(loaded.generation.bytes(64, bytes - 64)).equals(
      Buffer.from(built.generation.bytes(64, bytes - 64)),
    ),
  );
  t.same(loaded.facts, built.facts);
  t.same(loaded.generation.slotRows, built.generation.slotRows);
  loaded.generation.publishPending(100);

  const searches = new SearchPool({ threads: 2 }, (error) => t.fail(String(error)));
  t.teardown(() => searches.close());
  const view = builtView(source, loaded);
  const isLive = (row: number): boolean => row !== 3 && row !== 500;
  const queries = source.vectors
    .slice(0, 40)
    .map((vector) => ({ vector, k: 5, probes: 1000, rerankFactor: 100, exact: false }));
  const answers = await searches.search(view, queries);
  answers.forEach(({ rows }, i) => {
    const expected = nearestOf('l2', source.vectors, queries[i]?.vector as Float32Array, 5, isLive);
    t.same(
      [...rows],
      expected.map(({ row }) => row),
      `query ${i}`,
    );
  });
  searches.release(view.key);
  const again = await searches.search(view, queries.slice(0, 1));
  t.same([...(again[0]?.rows ?? [])], [...(answers[0]?.rows ?? [])], 'a released view can be opened again');
});

t.test('a pool does not keep what it has built', async (t) => {
  const source = await pendingSource(t, 600, given);
  const pool = new BuildPool({ threads: 1 }, (error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const build = async () => {
    const directory = join(source.directory, 'generation');
    const request = { source: source.view, rowEnd: 600, settings: source.view.settings, directory };
    const { generation } = await pool.build({ ...request, control: new BuildControl(), canceled });
    return new WeakRef(generation.memory);
  };
  const memory = await build();
  await pause(20);
  collectGarbage();
  t.equal(memory.deref(), undefined);
});

t.test('a canceled build throws and leaves nothing behind', async (t) => {
  const source = await pendingSource(t, 20_000, given);
  const pool = new BuildPool({ threads: 2 }, (error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const directory = join(source.directory, 'generation');
  const request = { source: source.view, rowEnd: 20_000, settings: source.view.settings, directory };
  const control = new BuildControl();
  const stopped = t.rejects(pool.build({ ...request, control, canceled }), { code: 'build_canceled' });
  setTimeout(() => control.cancel(), 300);
  await stopped;
  await t.rejects(access(directory), 'the directory is gone');
});

t.test('a build that waits for its turn is canceled at once, and the next keeps its turn', async (t) => {
  const source = await pendingSource(t, 20_000, given);
  const pool = new BuildPool({ threads: 1 }, (error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const ended: string[] = [];
  const build = async (name: string, control: BuildControl, signal: AbortSignal) => {
    const directory = join(source.directory, name);
    const request = { source: source.view, rowEnd: 20_000, settings: source.view.settings, directory };
    await pool.build({ ...request, control, canceled: signal }).catch(() => {});
    ended.push(name);
  };
  const [running, waiting, next] = [new BuildControl(), new BuildControl(), new BuildControl()];
  const leaving = new AbortController();
  const first = build('first', running, canceled);
  const second = build('second', waiting, leaving.signal);
  const third = build('third', next, canceled);
  waiting.cancel();
  leaving.abort();
  await second;
  t.same(ended, ['second']);
  t.equal(next.phase, 'queued');
  await build('canceled before', waiting, leaving.signal);
  t.same(ended, ['second', 'canceled before']);
  running.cancel();
  await Promise.all([first, third]);
  t.same(ended, ['second', 'canceled before', 'first', 'third']);
  t.equal(next.phase, 'calibrating');
  await t.rejects(access(join(source.directory, 'second')), 'it wrote nothing');
});

t.test('a build of nothing is refused', async (t) => {
  const source = await pendingSource(t, 1, given);
  source.generation.markDead(0);
  const pool = new BuildPool({ threads: 1 }, (error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const directory = join(source.directory, 'generation');
  const request = { source: source.view, rowEnd: 1, settings: source.view.settings, directory };
  await t.rejects(pool.build({ ...request, control: new BuildControl(), canceled }), {
    code: 'collection_empty',
  });
});

t.test('a flipped bit anywhere in the index file is found when it is opened', async (t) => {
  const source = await pendingSource(t, 500, given);
  const pool = new BuildPool({ threads: 1 }, (error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const directory = join(source.directory, 'generation');
  const request = { source: source.view, rowEnd: 500, settings: source.view.settings, directory };
  const { generation: built } = await pool.build({ ...request, control: new BuildControl(), canceled });
  const original = Buffer.from(built.bytes(64, built.layout.fileBytes - 64));
  const path = join(directory, 'index.bin');
  const whole = await readFile(path);
  for (let at = 5; at < whole.length; at += Math.floor(whole.length / 25)) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ 0x10;
    await writeFile(path, damaged);
    const outcome = await loadGeneration(directory, 'float32').then(
      ({ generation }) => Buffer.from(generation.bytes(64, generation.layout.fileBytes - 64)),
      (error) => error.code,
    );
    // Padding between sections may change; what is read must not.
    if (Buffer.isBuffer(outcome)) t.ok(outcome.equals(original), `byte ${at}`);
    else t.equal(outcome, 'storage_corrupt', `byte ${at}`);
  }
});

t.test(
  'an index in several memories is built, opens again, and searches as one in a single memory',
  async (t) => {
    const wide = { dimension: 64, metric: 'cosine', maxLeafSize: 100 } as const;
    const source = await pendingSource(t, 6000, wide);
    const searches = new SearchPool({ threads: 2 }, (error) => t.fail(String(error)));
    t.teardown(() => searches.close());
    const queries = source.vectors
      .slice(0, 50)
      .map((vector) => ({ vector, k: 5, probes: 8, rerankFactor: 4, exact: false }));
    const answersOf = async (memoryBytesMax: number | undefined) => {
      // On one thread, so that the sums, and with them the leaves, are the same.
      const pool = new BuildPool({ threads: 1, memoryBytesMax }, (error) => t.fail(String(error)));
      t.teardown(() => pool.close());
      const directory = join(source.directory, `generation-${memoryBytesMax}`);
      const request = { source: source.view, rowEnd: 6000, settings: source.view.settings, directory };
      const built = await pool.build({ ...request, control: new BuildControl(), canceled });
      const loaded = await loadGeneration(directory, 'float32');
      t.equal(loaded.generation.codeMemories.length, built.generation.codeMemories.length);
      const views = [built, loaded].map((opened, i) => {
        const view = builtView(source, opened);
        return { ...view, key: `${directory}/${i}`, generationKey: `${directory}/${i}` };
      });
      for (const generation of [built.generation, loaded.generation]) {
        for (const row of [3, 500, 2999, 5999]) generation.markDead(generation.slotRows.indexOf(row));
      }
      const answers = await Promise.all(views.map((view) => searches.search(view, queries)));
      t.same(
        answers[1]?.map(({ rows }) => [...rows]),
        answers[0]?.map(({ rows }) => [...rows]),
        'as before it was written',
      );
      return {
        directory,
        memories: loaded.generation.memories.length,
        rows: answers[0]?.map(({ rows }) => [...rows]),
      };
    };
    const one = await answersOf(undefined);
    const many = await answersOf(140_000);
    t.equal(one.memories, 1);
    t.ok(many.memories >= 3, `${many.memories} memories`);
    t.same(many.rows, one.rows);

    const path = join(many.directory, 'index.bin');
    const bytes = await readFile(path);
    // In the last code memory, which lies before the description and the table of checksums.
    const at = Math.floor(bytes.length * 0.8);
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(path, bytes);
    await t.rejects(loadGeneration(many.directory, 'float32'), { code: 'storage_corrupt' });
  },
);
