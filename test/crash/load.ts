// Clients that write, build and convert until the service is killed under them.

import { ApiFailure, type CoppiceClient } from '../../bench/client/coppice-client.js';
import { base64Of } from '../../bench/client/ingest.js';
import { type Activity, type CrashPlan, type PlannedWrite, vectorOf } from './crash-plan.js';
import type { ExpectedPoints } from './expected-points.js';

const WRITERS = 2;
/** Expected: a conversion does not run during a build, and there is nothing to build from at first. */
const REFUSALS = new Set(['build_running', 'collection_empty']);

export interface LoadOptions {
  client: CoppiceClient;
  name: string;
  plan: CrashPlan;
  round: number;
  activity: Activity;
  expected: ExpectedPoints;
  /** Counts what was acknowledged. */
  counts: Record<Activity, number>;
}

/** Resolves when every client has lost its connection. @throws on an answer that nobody expects */
export async function loadUntilKilled(options: LoadOptions): Promise<void> {
  const { client, name, activity, counts } = options;
  const clients = Array.from({ length: WRITERS }, (_, writer) => write(options, writer));
  if (activity === 'build') {
    clients.push(
      repeat(async () => {
        await client.build(name);
        counts.build++;
      }),
    );
  }
  if (activity === 'conversion') {
    clients.push(
      repeat(async () => {
        const { storage } = await client.describe(name);
        await client.convertStorage(name, storage.is_using_mmap ? 'memory' : 'mmap');
        counts.conversion++;
      }),
    );
  }
  await Promise.all(clients);
}

async function write(
  { client, name, plan, round, expected, counts }: LoadOptions,
  writer: number,
): Promise<void> {
  for (const planned of plan.writes(round, writer, WRITERS)) {
    expected.send(planned);
    try {
      await send(client, name, planned);
    } catch (error) {
      if (isConnectionLoss(error)) return;
      throw error;
    }
    expected.acknowledge(planned);
    counts.ingest++;
  }
}

export async function send(
  client: CoppiceClient,
  name: string,
  { kind, ids, version }: PlannedWrite,
): Promise<void> {
  if (kind === 'delete') {
    await client.deletePoints(name, ids);
    return;
  }
  if (kind === 'delete_by_filter') {
    await client.deleteMatching(name, { must: [{ has_id: ids }] });
    return;
  }
  if (kind === 'touch') {
    await client.setPayload(name, ids, { touched: version });
    return;
  }
  const points = ids.map((id) => ({ id, vector: base64Of(vectorOf(id, version)), payload: { version } }));
  await client.upsert(name, points);
}

async function repeat(step: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await step();
    } catch (error) {
      if (isConnectionLoss(error)) return;
      if (!(error instanceof ApiFailure && REFUSALS.has(error.code))) throw error;
    }
  }
}

/** `fetch` tells of a connection that is gone by a TypeError with a cause. */
function isConnectionLoss(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}
