// Compares what a service serves with what it must hold.

import {
  ApiFailure,
  type CoppiceClient,
  type Filter,
  type SearchResult,
} from '../../bench/client/coppice-client.js';
import { base64Of } from '../../bench/client/ingest.js';
import { type PlannedWrite, vectorOf } from './crash-plan.js';
import type { ExpectedPoints, PointVersion } from './expected-points.js';

const SEARCHES_PER_BATCH = 256;
const VERSIONS_COUNTED = 8;
/** All leaves and many candidates: what is missed then is not there. */
const THOROUGH = { probes: 100_000, rerank_factor: 100 };
/** Rounding; other points are a thousand times as far away. */
const SAME_DISTANCE_MAX = 1e-3;

/**
 * Settles the writes that the kill cut off: each must be there as a whole, or not at all.
 * @throws where a write is there in part
 */
export async function settleUnanswered(
  client: CoppiceClient,
  name: string,
  expected: ExpectedPoints,
): Promise<void> {
  for (const write of expected.unanswered) {
    const stored = new Set<boolean>();
    for (const id of write.ids) {
      const { before, after } = outcomes(write, id, expected);
      const now = await stateOf(client, name, id);
      if (now !== before && now !== after) throw new Error(`${id}: ${now} is neither ${before} nor ${after}`);
      // The deletion of what was not there says nothing.
      if (before !== after) stored.add(now === after);
    }
    if (stored.size > 1) throw new Error(`a write is visible in part: ${JSON.stringify(write)}`);
    expected.settle(write, stored.has(true));
  }
}

/** A point without the write, and with it. */
function outcomes(
  { kind, version }: PlannedWrite,
  id: string,
  expected: ExpectedPoints,
): { before: string; after: string } {
  const was = expected.version(id);
  const before = describeState(was, expected.touched(id));
  if (kind === 'upsert') return { before, after: describeState(version, undefined) };
  if (kind === 'touch' && was !== undefined) return { before, after: describeState(was, version) };
  return { before, after: kind === 'touch' ? before : describeState(undefined, undefined) };
}

function describeState(version: number | undefined, touched: number | undefined): string {
  return version === undefined ? 'not there' : `version ${version}, touched ${touched}`;
}

/** How many points each filter must find, and finds. */
export async function miscounted(
  client: CoppiceClient,
  name: string,
  expected: ExpectedPoints,
): Promise<string[]> {
  const versions = new Map<number, number>();
  for (const [, version] of expected.points()) versions.set(version, (versions.get(version) ?? 0) + 1);
  const problems: string[] = [];
  const check = async (filter: Filter, wanted: number) => {
    const count = await client.countMatching(name, filter);
    if (count !== wanted) problems.push(`${JSON.stringify(filter)}: ${count}, not ${wanted}`);
  };
  for (const [version, wanted] of [...versions].slice(-VERSIONS_COUNTED)) {
    await check({ must: [{ key: 'version', match: { value: version } }] }, wanted);
  }
  await check({ must: [{ key: 'touched', exists: true }] }, expected.touchedCount);
  return problems;
}

/** A point as it is stored. @throws where vector and payload disagree */
async function stateOf(client: CoppiceClient, name: string, id: string): Promise<string> {
  try {
    const { vector, payload } = await client.getPoint(name, id);
    const version = payload?.version as number;
    if (vector === base64Of(vectorOf(id, version)))
      return describeState(version, payload?.touched as number | undefined);
    throw new Error(`${id}: the vector is not that of version ${version}`);
  } catch (error) {
    if (error instanceof ApiFailure && error.code === 'point_not_found')
      return describeState(undefined, undefined);
    throw error;
  }
}

/** Points that a search for their own vector does not find as they must be, each with what it found. */
export async function unsearchable(
  client: CoppiceClient,
  name: string,
  points: PointVersion[],
): Promise<string[]> {
  const nearest = await nearestOf(client, name, points);
  return points.flatMap(([id, version], index) => {
    const found = nearest[index];
    const isRight = found?.id === id && isSame(found) && found.payload?.version === version;
    return isRight ? [] : [`${id} version ${version}: found ${JSON.stringify(found)}`];
  });
}

/** Versions that are no more, and that a search for their vector finds nevertheless. */
export async function resurrected(
  client: CoppiceClient,
  name: string,
  outdated: PointVersion[],
): Promise<string[]> {
  const nearest = await nearestOf(client, name, outdated);
  return outdated.flatMap(([id, version], index) => {
    const found = nearest[index];
    return found !== undefined && isSame(found)
      ? [`${id} version ${version}: found ${JSON.stringify(found)}`]
      : [];
  });
}

async function nearestOf(
  client: CoppiceClient,
  name: string,
  points: PointVersion[],
): Promise<(SearchResult | undefined)[]> {
  const nearest: (SearchResult | undefined)[] = [];
  for (let first = 0; first < points.length; first += SEARCHES_PER_BATCH) {
    const searches = points.slice(first, first + SEARCHES_PER_BATCH).map(([id, version]) => {
      return { vector: base64Of(vectorOf(id, version)), k: 1, with_payload: true, ...THOROUGH };
    });
    const lists = await client.searchBatch(name, searches);
    nearest.push(...lists.map((results) => results[0]));
  }
  return nearest;
}

function isSame({ score }: SearchResult): boolean {
  return score < SAME_DISTANCE_MAX;
}
