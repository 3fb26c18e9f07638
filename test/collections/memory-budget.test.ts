import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { allowanceBytes, MemoryBudget } from '../../src/collections/memory-budget.js';
import { ServiceError } from '../../src/errors.js';

const MIB = 2 ** 20;

function refusal(work: () => unknown): ServiceError {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) return error;
  }
  throw new Error('it was not refused');
}

t.test('what does not fit is refused with the numbers, and takes nothing', async (t) => {
  const budget = new MemoryBudget(100, 40);
  const claim = budget.claim(50);
  const { code, message, fields } = refusal(() => budget.claim(11));
  t.equal(code, 'memory_full');
  t.strictSame(fields, { needed: 11, used: 90, limit: 100 });
  t.match(message, /11 bytes of RAM, and 90 of the 100 bytes/);
  t.match(refusal(() => claim.resize(61)).fields, { needed: 11, used: 90 });
  t.equal(claim.bytes, 50);
  budget.claim(10);
  t.equal(budget.usedBytes, 100);
});

t.test('a claim that is split is counted once', async (t) => {
  const budget = new MemoryBudget(100, 0);
  const build = budget.claim(90);
  const index = build.split(30);
  t.strictSame([build.bytes, index.bytes, budget.usedBytes], [60, 30, 90]);
  const larger = build.split(65);
  t.strictSame([build.bytes, larger.bytes, budget.usedBytes], [0, 65, 95]);
  t.equal(refusal(() => build.split(6)).code, 'memory_full');
  for (const claim of [build, index, larger]) claim.release();
  larger.release();
  t.equal(budget.usedBytes, 0);
});

t.test('memory on its way back can be claimed, and is waited for before it is allocated', async (t) => {
  const budget = new MemoryBudget(100, 0);
  let collect = () => {};
  budget.claim(80).release(
    new Promise<void>((resolve) => {
      collect = resolve;
    }),
  );
  await budget.settled();
  budget.claim(15);
  await budget.settled();
  budget.claim(60);
  let settled = false;
  const waiting = budget.settled().then(() => {
    settled = true;
  });
  await setTimeout(10);
  t.notOk(settled, 'both would not fit at once');
  collect();
  await waiting;
  t.equal(budget.usedBytes, 75);
});

t.test('memory whose collection failed counts as returned', async (t) => {
  const budget = new MemoryBudget(100, 0);
  budget.claim(80).release(Promise.reject(new Error('no collection')));
  budget.claim(90);
  await budget.settled();
  t.equal(budget.usedBytes, 90);
});

t.test('the allowance grows with the threads and leaves half of a small limit', async (t) => {
  const large = 64 * 1024 * MIB;
  t.equal(allowanceBytes(large, 9) - allowanceBytes(large, 1), 8 * 16 * MIB);
  t.equal(allowanceBytes(256 * MIB, 2), 128 * MIB);
});
