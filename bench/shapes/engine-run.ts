// The steps of a scene on a whole engine in this process, and the searches of its queries.

import { setTimeout } from 'node:timers/promises';
import type { Collection } from '../../src/collections/collection.js';
import type { Collections } from '../../src/collections/collections.js';
import { createCollection } from '../../src/contract/collections.js';
import type { Metric } from '../../src/contract/index-settings.js';
import { packPayloads } from '../../src/contract/payload-column.js';
import { type PointBatch, vectorChecksums } from '../../src/contract/point-batch.js';
import { type SearchResponse, searchRequest } from '../../src/contract/search.js';
import { type Matrix, row } from '../data/split.js';
import type { Step } from './states.js';

const BATCH_POINTS = 1000;
/** The last points of an insert stay without codes: so few are left to comparison by full vectors. */
const UNCODED_POINTS = 100;
/** The threads have nothing to do where for so long the process uses less than this share of a processor. */
const SETTLED_MS = 50;
const IDLE_SHARE = 0.2;
const LOOK_MS = 10;
const SETTLE_MS_MAX = 3000;

/** What the API declares where a request does not say: then it is left out, as most requests do. */
const TARGET_DEFAULT = 0.95;

let opened = 0;

/** A new collection after these steps, its pending rows encoded but for the last few. */
export async function collectionAfter(
  collections: Collections,
  { metric, dimension }: { metric: Metric; dimension: number },
  steps: readonly Step[],
  index: object = {},
): Promise<Collection> {
  const name = `cell-${++opened}`;
  const collection = await collections.create(createCollection.parse({ name, dimension, metric, index }));
  for (const step of steps) await take(collection, step);
  return collection;
}

async function take(collection: Collection, step: Step): Promise<void> {
  switch (step.kind) {
    case 'insert':
      await insert(collection, step.ids, step.vectors);
      return;
    case 'delete':
      await collection.deletePoints({ ids: step.ids });
      return;
    case 'build': {
      const { state, error } = await collection.startBuild({}).done;
      if (state !== 'succeeded') throw new Error(`the build ${state}: ${error?.message}`);
    }
  }
}

async function insert(collection: Collection, ids: readonly number[], vectors: Matrix): Promise<void> {
  const uncodedFrom = Math.max(0, ids.length - UNCODED_POINTS);
  for (let first = 0; first < ids.length; ) {
    const limit = first < uncodedFrom ? uncodedFrom : ids.length;
    const end = Math.min(limit, first + BATCH_POINTS);
    if (first === uncodedFrom) await settle();
    await collection.upsert(batchOf(ids.slice(first, end), vectors, first));
    first = end;
  }
}

function batchOf(ids: number[], { dimension, values }: Matrix, first: number): PointBatch {
  const rows = values.slice(first * dimension, (first + ids.length) * dimension);
  const vectors = new Uint8Array(rows.buffer);
  const checksums = vectorChecksums(vectors, ids.length);
  return { count: ids.length, ids, vectors, checksums, payloads: packPayloads(ids.map(() => null)) };
}

/** Until the threads have encoded what was inserted. The engine does not tell; but nothing else is done meanwhile. */
async function settle(): Promise<void> {
  let quietMs = 0;
  for (let waitedMs = 0; waitedMs < SETTLE_MS_MAX && quietMs < SETTLED_MS; waitedMs += LOOK_MS) {
    const [before, startedMs] = [process.cpuUsage(), performance.now()];
    await setTimeout(LOOK_MS);
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 1000 / (performance.now() - startedMs);
    quietMs = share < IDLE_SHARE ? quietMs + LOOK_MS : 0;
  }
}

/** The answers to the first `count` queries. */
export async function searchAll(
  collection: Collection,
  queries: Matrix,
  { k, target, count = queries.count }: { k: number; target: number; count?: number },
): Promise<SearchResponse[]> {
  const effort = target === TARGET_DEFAULT ? {} : { target_recall: target };
  return searchWith(collection, queries, { k, ...effort }, count);
}

/** The same with the fields of a request that say how hard to search. */
export async function searchWith(
  collection: Collection,
  queries: Matrix,
  fields: { k: number; target_recall?: number; min_recall?: number; confidence?: number },
  count = queries.count,
): Promise<SearchResponse[]> {
  const template = searchRequest.parse({ vector: [0, 0], ...fields, with_stats: true });
  return collection.searchBatch(
    Array.from({ length: Math.min(count, queries.count) }, (_, i) => ({
      ...template,
      vector: row(queries, i),
    })),
  );
}
