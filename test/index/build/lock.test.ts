import { Worker } from 'node:worker_threads';
import t from 'tap';
import { withLock } from '../../../src/index/build/lock.js';

const THREADS = 4;
const ROUNDS = 20_000;

/** Words: the counter, the lock, how many threads have started. */
const COUNTER = `
  const { workerData } = require('node:worker_threads');
  import(workerData.module).then(({ withLock }) => {
    const words = new Int32Array(workerData.words);
    Atomics.add(words, 2, 1);
    while (Atomics.load(words, 2) < ${THREADS}) Atomics.wait(words, 1, 0, 1);
    // Not atomic, and slow enough for another thread to come in between.
    const addOne = () => {
      const before = words[0];
      for (let i = 0; i < 200; i++) Atomics.load(words, 2);
      words[0] = before + 1;
    };
    for (let i = 0; i < ${ROUNDS}; i++) withLock(words, 1, addOne);
  });
`;

t.test('only one thread at a time holds a lock', async (t) => {
  const words = new Int32Array(new SharedArrayBuffer(12));
  const module = new URL('../../../src/index/build/lock.js', import.meta.url).href;
  const threads = Array.from(
    { length: THREADS },
    () => new Worker(COUNTER, { eval: true, workerData: { words: words.buffer, module } }),
  );
  const codes = await Promise.all(
    threads.map((thread) => new Promise((resolve) => thread.once('exit', resolve))),
  );
  t.strictSame(codes, [0, 0, 0, 0]);
  t.equal(words[0], THREADS * ROUNDS);
  t.equal(words[1], 0, 'the lock is free');
});

t.test('a lock is given back when the work under it fails', async (t) => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const failing = () => {
    throw new Error('no work today');
  };
  t.throws(() => withLock(words, 0, failing), { message: 'no work today' });
  let ran = false;
  withLock(words, 0, () => {
    ran = true;
  });
  t.ok(ran);
});
