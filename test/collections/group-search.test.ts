// Groups of which some have far more points than others.

import t from 'tap';
import { batchOf } from './batches.js';
import { creation, openEngine, searchFor } from './engine.js';

/** Groups, each wholly nearer than the next, and the points they have. */
const SIZES = { near: 598, large: 1102, far: 5 };

t.test('groups are found and filled behind those that have all the nearest points', async (t) => {
  const { collections } = await openEngine(t);
  const collection = await collections.create(creation({ name: 'c', dimension: 2 }));
  const groups = Object.entries(SIZES).flatMap(([group, size]) => Array<string>(size).fill(group));
  await collection.upsert(batchOf(groups.map((group, id) => ({ id, vector: [id, 0], payload: { group } }))));
  // The first search meets 2 points of `large`; the one that would fill it has a thousand of them, and none of `far`.
  const request = { vector: [0, 0], k: 3, group_by: 'group', group_size: 100, exact: true };
  const { groups: found } = await collection.search(searchFor(request));
  t.strictSame(
    found?.map(({ value, results }) => [value, results[0]?.id, results.length]),
    [
      ['near', 0, 100],
      ['large', 598, 100],
      ['far', 1700, 5],
    ],
  );
});
