// A real service process is killed again and again on one data directory: nothing that it acknowledged is ever lost.

import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { CoppiceClient } from '../../bench/client/coppice-client.js';
import { ServiceProcess } from '../../bench/client/service-process.js';
import { resurrected, settleUnanswered, unsearchable } from './check-points.js';
import { CrashPlan, DIMENSION } from './crash-plan.js';
import { ExpectedPoints } from './expected-points.js';
import { loadUntilKilled } from './load.js';

const NAME = 'points';
const KILLS = Number(process.env.CRASH_KILLS ?? 52);
const SEED = Number(process.env.CRASH_SEED ?? 20_261_123);
const OUTDATED_CHECKED_MAX = 256;
/** Generous for a busy machine; a quiet one takes about a second a kill. */
const SECONDS_PER_KILL = 15;

t.setTimeout(KILLS * SECONDS_PER_KILL * 1000);

t.test(`what was acknowledged survives ${KILLS} kills during writes, builds and conversions`, async (t) => {
  t.comment(`CRASH_SEED=${SEED} CRASH_KILLS=${KILLS}`);
  const directory = t.testdir();
  const plan = new CrashPlan(SEED);
  const expected = new ExpectedPoints();
  const counts = { writes: 0, builds: 0, conversions: 0 };
  let service = await ServiceProcess.start(directory);
  t.teardown(() => service.kill());
  let client = new CoppiceClient(service.origin);
  await client.createCollection({ name: NAME, dimension: DIMENSION, metric: 'l2', index: { max_leaf_size: 64 } });

  for (let round = 0; round < KILLS; round++) {
    const { activity, killAfterMs } = plan.kill(round);
    const kill = async () => {
      await setTimeout(killAfterMs);
      await service.kill();
    };
    const load = loadUntilKilled({ client, name: NAME, plan, round, activity, expected, counts });
    await Promise.all([load, kill()]);

    service = await ServiceProcess.start(directory);
    client = new CoppiceClient(service.origin);
    await client.ready();
    const what = `kill ${round}, ${killAfterMs} ms into ${activity}`;
    await settleUnanswered(client, NAME, expected);
    const { points_count } = await client.describe(NAME);
    const problems = [
      ...(points_count === expected.count ? [] : [`${points_count} points instead of ${expected.count}`]),
      ...(await unsearchable(client, NAME, expected.points())),
      ...(await resurrected(client, NAME, expected.takeOutdated(OUTDATED_CHECKED_MAX))),
    ];
    if (problems.length > 0) t.comment(service.log);
    if (!t.same(problems.slice(0, 5), [], what)) return;
  }

  const { index, storage } = await client.describe(NAME);
  t.comment(`acknowledged: ${JSON.stringify(counts)}; generation ${index.generation}, ${storage.backend}, ${expected.count} points`);
  t.ok(counts.writes > KILLS && counts.builds > 0 && counts.conversions > 0, 'every activity also came to an end');
});
