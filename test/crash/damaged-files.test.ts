// Files of a stopped service are damaged: its collection comes back by what is whole, and no other one suffers.

import { open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { ApiFailure, CoppiceClient } from '../../bench/client/coppice-client.js';
import { ServiceProcess } from '../../bench/client/service-process.js';
import { unsearchable } from './check-points.js';
import { CrashPlan, DIMENSION } from './crash-plan.js';
import { ExpectedPoints } from './expected-points.js';
import { send } from './load.js';

const REBUILD_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
const THREADS = { SEARCH_THREADS: '1', BUILD_THREADS: '1' };

interface Damage {
  /** The end of the damaged file's path, of those that the victim's directory holds. */
  file: RegExp;
  how: (path: string) => Promise<void>;
}

t.setTimeout(900_000);

t.test('a damaged index is built again from the vectors, and every point stays', async (t) => {
  const index = /generations\/\d+\/index\.bin$/;
  const damages: Record<string, Damage> = {
    'an emptied index file': { file: index, how: (path) => truncate(path, 0) },
    'an index file cut in half': {
      file: index,
      how: async (path) => truncate(path, (await stat(path)).size >> 1),
    },
    'a flipped byte in the index file': { file: index, how: flipByte },
  };
  for (const [what, damage] of Object.entries(damages)) {
    await t.test(what, async (t) => {
      const { client, expected } = await restartDamaged(t, damage);
      t.same(
        (await unsearchable(client, 'victim', expected.points())).slice(0, 5),
        [],
        'served without waiting',
      );
      await indexReady(client, 'victim');
      t.same(
        (await unsearchable(client, 'victim', expected.points())).slice(0, 5),
        [],
        'served by the new index',
      );
      t.equal((await client.describe('victim')).indexed_count, expected.count);
      t.same(
        (await unsearchable(client, 'other', expected.points())).slice(0, 5),
        [],
        'the other one is served',
      );
    });
  }
});

t.test('kills while a damaged index is replaced lose nothing', async (t) => {
  const damage: Damage = { file: /generations\/\d+\/index\.bin$/, how: flipByte };
  const { directory, service, expected } = await restartDamaged(t, damage);
  let running = service;
  t.teardown(() => running.kill());
  for (const killAfterMs of [0, 40, 150, 400, 800]) {
    await setTimeout(killAfterMs);
    await running.kill();
    running = await ServiceProcess.start(directory, { environment: THREADS });
  }
  const client = new CoppiceClient(running.origin);
  await client.ready();
  t.same((await unsearchable(client, 'victim', expected.points())).slice(0, 5), [], 'served at once');
  await indexReady(client, 'victim');
  t.same((await unsearchable(client, 'victim', expected.points())).slice(0, 5), [], 'served by an index');
});

t.test('a collection whose data is damaged is set aside, and the others are served', async (t) => {
  const damages: Record<string, Damage> = {
    'leaf-ordered vectors cut short': {
      file: /generations\/\d+\/\d+\.vec$/,
      how: async (path) => truncate(path, (await stat(path)).size >> 1),
    },
    'an emptied store': { file: /points\/data\.mdb$/, how: (path) => truncate(path, 0) },
    'a store cut in half': {
      file: /points\/data\.mdb$/,
      how: async (path) => truncate(path, (await stat(path)).size >> 1),
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    await t.test(what, async (t) => {
      const { client, expected } = await restartDamaged(t, damage);
      await t.rejects(client.describe('victim'), { status: 503, code: 'collection_unavailable' });
      t.same(
        (await unsearchable(client, 'other', expected.points())).slice(0, 5),
        [],
        'the other one is served',
      );
      await client.dropCollection('victim');
      await t.rejects(client.describe('victim'), { status: 404, code: 'collection_not_found' });
    });
  }
});

/** Two collections with the same points and an index, one of them damaged while the service is down. */
async function restartDamaged(t: Test, { file, how }: Damage) {
  const directory = t.testdir();
  let service = await ServiceProcess.start(directory, { environment: THREADS });
  t.teardown(() => service.kill());
  const before = new CoppiceClient(service.origin);
  const collections = join(directory, 'collections');
  const known = new Set<string>();
  const expected = new ExpectedPoints();
  let victim = '';
  for (const name of ['other', 'victim']) {
    await before.createCollection({ name, dimension: DIMENSION, metric: 'l2', index: { max_leaf_size: 64 } });
    victim = (await readdir(collections)).find((id) => !known.has(id)) as string;
    known.add(victim);
    for (const planned of new CrashPlan(1).firstWrites()) {
      await send(before, name, planned);
      expected.acknowledge(planned);
    }
    await before.build(name);
  }
  await service.stop();

  const paths = await readdir(join(collections, victim), { recursive: true });
  const damaged = paths.filter((path) => file.test(path));
  t.equal(damaged.length, 1, `one file is damaged: ${damaged}`);
  await how(join(collections, victim, damaged[0] as string));
  service = await ServiceProcess.start(directory, { environment: THREADS });
  const client = new CoppiceClient(service.origin);
  await client.ready();
  return { directory, service, client, expected };
}

async function flipByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const position = (await file.stat()).size >> 1;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
    await file.write(Buffer.from([(buffer[0] as number) ^ 0x10]), 0, 1, position);
  } finally {
    await file.close();
  }
}

async function indexReady(client: CoppiceClient, name: string): Promise<void> {
  const deadline = performance.now() + REBUILD_TIMEOUT_MS;
  while ((await client.describe(name)).index.state !== 'ready') {
    if (performance.now() > deadline)
      throw new ApiFailure(200, { code: 'timeout', detail: 'no index was built' });
    await setTimeout(POLL_MS);
  }
}
