// A real service process is killed again and again on one data directory: nothing that it acknowledged is ever lost.

import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { CoppiceClient } from '../../bench/client/coppice-client.js';
import { ServiceProcess } from '../../bench/client/service-process.js';
import { median } from '../../bench/report.js';
import { miscounted, resurrected, settleUnanswered, unsearchable } from './check-points.js';
import { type Activity, CrashPlan, DIMENSION } from './crash-plan.js';
import { ExpectedPoints, type PointVersion } from './expected-points.js';
import { loadUntilKilled, send } from './load.js';
import { Pace } from './pace.js';

const NAME = 'points';
const KILLS = Number(process.env.CRASH_KILLS ?? 50);
const SEED = Number(process.env.CRASH_SEED ?? 20_261_123);
/** After each kill the latest points are checked and every eighth of the others; at the end all of them. */
const LATEST_POINTS = 512;
const CHECK_TURNS = 8;
const OUTDATED_MAX = 128;
/** Filters start a thread more: they are asked after every fourth kill, first without an index, later with one. */
const COUNT_TURNS = 4;
/** Few threads start sooner; a build has two, which work together. */
const THREADS = { SEARCH_THREADS: '1', BUILD_THREADS: '2' };
/** Generous for a busy machine; a quiet one takes about a second a kill. */
const SECONDS_PER_KILL = 40;

t.setTimeout(KILLS * SECONDS_PER_KILL * 1000);

t.test(`what was acknowledged survives ${KILLS} kills during writes, builds and conversions`, async (t) => {
  t.comment(`CRASH_SEED=${SEED} CRASH_KILLS=${KILLS}`);
  const directory = t.testdir();
  const plan = new CrashPlan(SEED);
  const expected = new ExpectedPoints();
  const counts = { ingest: 0, build: 0, conversion: 0 };
  let service = await ServiceProcess.start(directory, { environment: THREADS });
  t.teardown(() => service.kill());
  let client = new CoppiceClient(service.origin);
  await client.createCollection({
    name: NAME,
    dimension: DIMENSION,
    metric: 'l2',
    index: { max_leaf_size: 64 },
  });
  const pace = new Pace(await durationsMs(client, plan, expected));
  t.comment(`at first: ${pace}`);

  for (let round = 0; round < KILLS; round++) {
    const { activity, killAfter } = plan.kill(round);
    const killAfterMs = pace.killAfterMs(activity, killAfter);
    const countBefore = counts[activity];
    const kill = async () => {
      await setTimeout(killAfterMs);
      await service.kill();
    };
    const load = loadUntilKilled({ client, name: NAME, plan, round, activity, expected, counts });
    await Promise.all([load, kill()]);
    pace.learn(activity, killAfter, counts[activity] - countBefore);

    service = await ServiceProcess.start(directory, { environment: THREADS });
    client = new CoppiceClient(service.origin);
    await client.ready();
    const what = `kill ${round}, ${killAfterMs} ms into ${activity}`;
    await settleUnanswered(client, NAME, expected);
    const { points_count } = await client.describe(NAME);
    const problems = [
      ...(points_count === expected.count ? [] : [`${points_count} points instead of ${expected.count}`]),
      ...(await unsearchable(client, NAME, chosenPoints(expected, round))),
      ...(round % COUNT_TURNS === 0 ? await miscounted(client, NAME, expected) : []),
      ...(await resurrected(client, NAME, expected.takeOutdated(OUTDATED_MAX))),
    ];
    if (problems.length > 0) t.comment(service.log);
    if (!t.same(problems.slice(0, 5), [], what)) return;
    // From here on filled again after each start: filters asked meanwhile read payloads, later ones the index.
    if (round === Math.floor(KILLS / 2)) await client.setPayloadIndex(NAME, 'version', 'integer');
  }

  // How many builds and conversions end between two kills is a matter of the machine; at last each does, on what the kills left.
  await client.build(NAME);
  const { storage } = await client.describe(NAME);
  await client.convertStorage(NAME, storage.backend === 'mmap' ? 'memory' : 'mmap');
  const problems = await unsearchable(client, NAME, expected.points());
  t.same(problems.slice(0, 5), [], 'at the end every point is there');
  t.comment(`at last: ${pace}; acknowledged: ${JSON.stringify(counts)}, ${expected.count} points`);
});

/** Points in the order of their last write: the latest of them, and some of the others in turn. */
function chosenPoints(expected: ExpectedPoints, round: number): PointVersion[] {
  const points = expected.points();
  return points.filter((_, index) => {
    return index >= points.length - LATEST_POINTS || index % CHECK_TURNS === round % CHECK_TURNS;
  });
}

/** How long one write, one build and one conversion take on this machine, and the first points. */
async function durationsMs(
  client: CoppiceClient,
  plan: CrashPlan,
  expected: ExpectedPoints,
): Promise<Record<Activity, number>> {
  const timed = async (step: () => Promise<unknown>) => {
    const startedMs = performance.now();
    await step();
    return performance.now() - startedMs;
  };
  const ingest: number[] = [];
  for (const planned of plan.firstWrites()) {
    ingest.push(await timed(() => send(client, NAME, planned)));
    expected.acknowledge(planned);
  }
  // It starts the threads, too, as the first build after each kill does.
  const build = await timed(() => client.build(NAME));
  const conversion = await timed(() => client.convertStorage(NAME, 'memory'));
  // Beside the writes, a conversion waits for those before it.
  return { ingest: median(ingest), build, conversion: conversion + 2 * median(ingest) };
}
