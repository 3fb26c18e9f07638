import t from 'tap';
import { runInTurns } from '../src/turns.js';

/** Steps of about a millisecond each, with how many turns the loop has had before each of them. */
function* slowSteps(count: number, turns: () => number): Generator<undefined, number[]> {
  const seen: number[] = [];
  for (let step = 0; step < count; step++) {
    const endMs = performance.now() + 1;
    while (performance.now() < endMs);
    seen.push(turns());
    yield;
  }
  return seen;
}

t.test('long steps: the loop has a turn after each of them', async (t) => {
  let turns = 0;
  let immediate = setImmediate(function again() {
    turns++;
    immediate = setImmediate(again);
  });
  const seen = await runInTurns(slowSteps(5, () => turns));
  clearImmediate(immediate);
  t.equal(seen.length, 5);
  for (const [step, before] of seen.entries())
    t.ok(before >= step, `${before} turns before the end of step ${step}`);
});

t.test('short steps: many of them share a turn', async (t) => {
  let turns = 0;
  let immediate = setImmediate(function again() {
    turns++;
    immediate = setImmediate(again);
  });
  const STEPS = 100_000;
  function* short(): Generator<undefined, number> {
    for (let step = 0; step < STEPS; step++) yield;
    return STEPS;
  }
  t.equal(await runInTurns(short()), STEPS);
  clearImmediate(immediate);
  t.ok(turns < STEPS / 10, `${turns} turns`);
});

t.test('a failure of a step is thrown on', async (t) => {
  // biome-ignore lint/correctness/useYield: it fails before it would
  function* failing(): Generator<undefined, void> {
    throw new Error('of the step');
  }
  await t.rejects(runInTurns(failing()), { message: 'of the step' });
});
