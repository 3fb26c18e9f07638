import { spawn } from 'node:child_process';
import { env, execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { seededRandom } from '../../src/index/random.js';
import { type CrashWrite, crashVector, IDS } from './crash-writes.js';
import { openEngine, searchFor } from './engine.js';

/** More of them find more: CRASH_KILLS=100. */
const KILLS = Number(env.CRASH_KILLS ?? 4);
const SEED = 20_261_123;

/** Version of each point that is there. */
type Model = Map<number, number>;

function written(model: Model, { kind, ids, version }: CrashWrite): Model {
  const next = new Map(model);
  for (const id of ids) {
    if (kind === 'delete') next.delete(id);
    else next.set(id, version);
  }
  return next;
}

/** Runs a writing process and kills it; the acknowledged writes, and the one that was under way. */
async function writeUntilKilled(t: Test, directory: string, seed: number, killAfterMs: number) {
  const script = fileURLToPath(new URL('./crash-child.js', import.meta.url));
  const child = spawn(execPath, [script, directory, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<string | null>((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal));
  });
  const acknowledged: CrashWrite[] = [];
  let underWay: CrashWrite | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    // The first line is the first write: it is about to be served.
    if (acknowledged.length === 0 && !underWay)
      void setTimeout(killAfterMs).then(() => child.kill('SIGKILL'));
    if (line.startsWith('B ')) underWay = JSON.parse(line.slice(2)) as CrashWrite;
    else if (line === 'A' && underWay) {
      acknowledged.push(underWay);
      underWay = undefined;
    } else t.fail(line);
  }
  t.equal(await ended, 'SIGKILL', 'the process was alive until it was killed');
  return { acknowledged, underWay };
}

t.setTimeout(KILLS * 60_000);
t.test('after kill -9 at any moment every acknowledged point is there, and no half of a write', async (t) => {
  const directory = t.testdir();
  const random = seededRandom(SEED);
  t.comment(`seed ${SEED}`);
  let model: Model = new Map();
  for (let kill = 1; kill <= KILLS; kill++) {
    const killAfterMs = Math.floor(random() * 1200);
    const { acknowledged, underWay } = await writeUntilKilled(t, directory, SEED + kill, killAfterMs);
    for (const write of acknowledged) model = written(model, write);
    await t.test(`kill ${kill}, after ${killAfterMs} ms and ${acknowledged.length} writes`, async (t) => {
      const { collections, complaints } = await openEngine(t, directory);
      t.strictSame(complaints, []);
      t.strictSame(collections.unavailable(), []);
      if (collections.list().length === 0) return t.equal(model.size, 0);
      const found = await checkedContents(t, collections.get('crashed'));
      const candidates = underWay ? [model, written(model, underWay)] : [model];
      t.ok(
        candidates.some((candidate) => isSame(candidate, found)),
        'the points are those before or after the write under way',
      );
      model = found;
    });
  }
});

/** Every point by id; exact search must find the same ones. */
async function checkedContents(t: Test, collection: Collection): Promise<Model> {
  const found: Model = new Map();
  for (let id = 0; id < IDS; id++) {
    const point = await collection.getPoint(id).catch(() => undefined);
    if (!point) continue;
    const version = point.payload?.version as number;
    found.set(id, version);
    if (String(point.vector) !== String(crashVector(id, version))) t.fail(`the vector of ${id} is another`);
  }
  t.equal(collection.pointsCount, found.size);
  const all = await collection.search(searchFor({ vector: crashVector(1, 1), k: 1000, exact: true }));
  const ids = all.results.map((result) => Number(result.id));
  t.strictSame(ids.sort(byValue), [...found.keys()].sort(byValue));
  return found;
}

function isSame(a: Model, b: Model): boolean {
  return a.size === b.size && [...a].every(([id, version]) => b.get(id) === version);
}

function byValue(a: number, b: number): number {
  return a - b;
}
