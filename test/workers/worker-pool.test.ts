// Pools as threads start and end, with real threads.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { WorkerPool } from '../../src/workers/worker-pool.js';

const THREADS = 4;

function poolOf(file: URL, errors: unknown[]): WorkerPool<number> {
  const options = { threadsMin: THREADS, threadsMax: THREADS, idleTimeoutMs: 10_000, queuedMax: 8 };
  return new WorkerPool({ file, ...options }, (error) => errors.push(error));
}

t.test('a pool may be closed at any moment of its start', async (t) => {
  const errors: unknown[] = [];
  const file = new URL('../../src/workers/build-worker.js', import.meta.url);
  // What is wrong here ends the process.
  for (let ms = 0; ms < 200; ms += 20) {
    const pool = poolOf(file, errors);
    await setTimeout(ms);
    await pool.close();
  }
  t.strictSame(errors, []);
});

t.test('a task says that its module cannot be loaded, and no thread is replaced for it', async (t) => {
  const errors: unknown[] = [];
  const path = join(t.testdir(), 'broken.mjs');
  writeFileSync(path, 'import "./missing.mjs";');
  const pool = poolOf(pathToFileURL(path), errors);
  t.teardown(() => pool.close());
  for (let i = 0; i < 3; i++) await t.rejects(pool.run(i));
  t.strictSame(errors, []);
});

t.test('a thread that has died is replaced', async (t) => {
  const errors: unknown[] = [];
  const path = join(t.testdir(), 'mortal.mjs');
  writeFileSync(
    path,
    `export default async (task) => {
      if (task === 0) process.exit(3);
      return { ok: true, value: task };
    };`,
  );
  const pool = poolOf(pathToFileURL(path), errors);
  t.teardown(() => pool.close());
  t.equal(await pool.run(7), 7);
  await t.rejects(pool.run(0), /exited with code: 3/);
  t.equal(await pool.run(8), 8);
});
