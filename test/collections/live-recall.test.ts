// The recall of live searches, measured in idle time, against what the same searches find and miss.

import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { clustered } from '../index/built.js';
import { batchOf } from './batches.js';
import { creation, openEngine, searchFor } from './engine.js';

const DIMENSION = 16;
const VECTORS = clustered(3000, DIMENSION, 3, 200);

async function sampled(collection: Collection, samples: number) {
  for (let waitedMs = 0; waitedMs < 30_000 && collection.liveRecall.samples < samples; waitedMs += 20) {
    await setTimeout(20);
  }
  return collection.liveRecall;
}

t.test('a search is run again beside an exact one, and what it missed is seen', async (t) => {
  const { collections } = await openEngine(t);
  const collection = await collections.create(creation({ name: 'c', dimension: DIMENSION }));
  await collection.upsert(batchOf(VECTORS.map((vector, id) => ({ id, vector }))));
  t.match(await collection.startBuild({ max_leaf_size: 32 }).done, { state: 'succeeded' });
  t.equal(collection.liveRecall.recall, null, 'nothing was measured yet');
  const vector = VECTORS[7]?.map((value, i) => value + (i % 3)) as Float32Array;
  const idsOf = async (request: object) => {
    const { results } = await collection.search(searchFor({ vector, k: 50, ...request }));
    return results.map(({ id }) => id);
  };

  const exact = await idsOf({ exact: true });
  await setTimeout(600);
  t.equal(collection.liveRecall.samples, 0, 'an exact search says nothing of the index');
  const found = new Set(await idsOf({ probes: 1, rerank_factor: 1 }));
  const expected = exact.filter((id) => found.has(id)).length / exact.length;
  t.ok(expected > 0 && expected < 0.9, `one leaf has ${expected} of the nearest`);
  const { recall } = await sampled(collection, 1);
  t.equal(recall, expected);

  // The next sample is taken a second later at the earliest, on a slow machine much later: searches before that are let go.
  for (let tries = 0; tries < 30 && collection.liveRecall.samples < 2; tries++) {
    await idsOf({ probes: 1000, rerank_factor: 60 });
    await setTimeout(1200);
  }
  await sampled(collection, 2);
  t.equal(collection.liveRecall.samples, 2);
  t.equal(collection.liveRecall.recall, (expected + 1) / 2, 'the mean of both');
});

t.test('a search from before a build is measured on the index after it', async (t) => {
  const { collections } = await openEngine(t);
  const collection = await collections.create(creation({ name: 'c', dimension: DIMENSION }));
  await collection.upsert(batchOf(VECTORS.slice(0, 600).map((vector, id) => ({ id, vector }))));
  // So few points are not calibrated: without probes they would be compared one by one.
  const all = { probes: 1000, rerank_factor: 50 };
  await collection.search(searchFor({ vector: VECTORS[9] as Float32Array, ...all }));
  t.match(await collection.startBuild({ max_leaf_size: 32 }).done, { state: 'succeeded' });
  t.match(await sampled(collection, 1), { samples: 1, recall: 1 });
});

t.test(
  'searches over points that no build has seen are measured, and those from before a build count on',
  async (t) => {
    const { collections } = await openEngine(t);
    const collection = await collections.create(creation({ name: 'c', dimension: DIMENSION }));
    const insert = (first: number, end: number) =>
      collection.upsert(batchOf(VECTORS.slice(first, end).map((vector, i) => ({ id: first + i, vector }))));
    const measureUntil = async (samples: number, request: object) => {
      for (let tries = 0; tries < 30 && collection.liveRecall.samples < samples; tries++) {
        await collection.search(searchFor({ vector: VECTORS[9] as Float32Array, k: 50, ...request }));
        await setTimeout(1200);
      }
      return sampled(collection, samples);
    };
    await insert(0, 600);
    t.match(await measureUntil(1, { rerank_factor: 12 }), { samples: 1, recall: 1 }, 'before any build');
    t.match(await collection.startBuild({ max_leaf_size: 16 }).done, { state: 'succeeded' });
    await insert(600, 700);
    const { samples, recall } = await measureUntil(2, { probes: 1, rerank_factor: 1 });
    t.equal(samples, 2, 'with pending points');
    t.ok(
      recall !== null && recall > 0.5 && recall < 1,
      `${recall} is the mean of both, one of a single leaf`,
    );
  },
);

t.test('nothing is measured where vectors would drive each other out of memory', async (t) => {
  const memoryBytesMax = 48 * 2 ** 20;
  const { collections } = await openEngine(t, t.testdir(), { memoryBytesMax });
  const collection = await collections.create(creation({ name: 'c', dimension: 4096 }));
  const batch = (first: number) =>
    batchOf(
      Array.from({ length: 400 }, (_, i) => ({
        id: first + i,
        vector: Float32Array.from({ length: 4096 }, (_, j) => (((first + i) * 31 + j * 17) % 101) - 50),
      })),
    );
  for (let first = 0; first < 1600; first += 400) await collection.upsert(batch(first));
  await collection.search(searchFor({ vector: new Float32Array(4096).fill(1), k: 3, probes: 1 }));
  await setTimeout(1000);
  t.equal(collection.liveRecall.samples, 0);
});
