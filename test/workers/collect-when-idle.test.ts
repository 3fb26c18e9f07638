import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { collectWhenIdle } from '../../src/workers/collect-when-idle.js';

function letGo(): WeakRef<object> {
  return new WeakRef({ memory: new Uint8Array(1024) });
}

t.test('what was let go is collected', async (t) => {
  const first = letGo();
  const collected = collectWhenIdle();
  const second = letGo();
  t.equal(collectWhenIdle(), collected, 'two that ask at once wait for the same collection');
  await Promise.all([collected, setTimeout(500)]);
  t.strictSame([first.deref(), second.deref()], [undefined, undefined]);
});

t.test('a busy thread is not held up', async (t) => {
  let busy = true;
  const work = () => {
    if (busy) setImmediate(work);
  };
  work();
  const collected = collectWhenIdle().then(() => 'collected');
  t.equal(await Promise.race([collected, setTimeout(700, 'busy')]), 'busy');
  busy = false;
  // What it waits with does not keep the process.
  const alive = setInterval(() => {}, 1000);
  t.equal(await collected, 'collected');
  clearInterval(alive);
});
