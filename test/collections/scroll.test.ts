import t from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { scrollRequest } from '../../src/contract/scroll.js';
import { batchOf, type TestPoint } from './batches.js';
import { creation, openEngine } from './engine.js';

/** `count` points with ids of both forms; the vector tells the number. */
function pointsOf(count: number, prefix = 'p'): TestPoint[] {
  return Array.from({ length: count }, (_, index) => ({
    id: index % 3 === 0 ? index : `${prefix}${index}`,
    vector: [index, 1],
    payload: { index },
  }));
}

function scroll(words: Collection, request: object, cursor?: string) {
  return words.scrollPoints({ ...scrollRequest.parse(request), ...(cursor !== undefined && { cursor }) });
}

async function allIds(words: Collection, request: object, between: () => Promise<unknown> = async () => {}) {
  const ids: (string | number)[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await scroll(words, request, cursor);
    ids.push(...page.points.map(({ id }) => id));
    if (page.lastKey === undefined) return ids;
    cursor = page.lastKey;
    await between();
  }
}

t.test(
  'pages hold every point once, in the byte order of the ids, the last one without a cursor',
  async (t) => {
    const { collections } = await openEngine(t);
    const words = await collections.create(creation({ name: 'words', dimension: 2 }));
    t.strictSame(await scroll(words, {}), { points: [], lastKey: undefined });
    const points = pointsOf(300);
    await words.upsert(
      batchOf([...points, { id: '\u{1f333}', vector: [1, 1] }, { id: '\ufb01', vector: [1, 1] }]),
    );
    const expected = [...points.map(({ id }) => id), '\u{1f333}', '\ufb01'].toSorted((a, b) =>
      Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b))),
    );
    for (const limit of [1, 7, 151, 302, 1000]) t.strictSame(await allIds(words, { limit }), expected);
    t.equal((await scroll(words, { limit: 302 })).lastKey, undefined, 'nothing comes after a full last page');
  },
);

t.test('a point brings its payload and, where wanted, its vector, before and after a build', async (t) => {
  const { collections } = await openEngine(t);
  const words = await collections.create(creation({ name: 'words', dimension: 2 }));
  await words.upsert(batchOf([...pointsOf(50), { id: 'plain', vector: [3, 4] }]));
  await words.upsert(batchOf([{ id: 'p1', vector: [7, 7], payload: { index: 'new' } }]));
  for (const state of ['pending', 'built']) {
    if (state === 'built') t.match(await words.startBuild({ max_leaf_size: 8 }).done, { state: 'succeeded' });
    const { points } = await scroll(words, { with_vector: true });
    const byId = new Map(points.map((point) => [point.id, point]));
    t.strictSame(byId.get(3), { id: 3, payload: { index: 3 }, vector: Float32Array.of(3, 1) }, state);
    t.strictSame(byId.get('p1'), { id: 'p1', payload: { index: 'new' }, vector: Float32Array.of(7, 7) });
    t.strictSame(byId.get('plain'), { id: 'plain', vector: Float32Array.of(3, 4) });
  }
  t.strictSame((await scroll(words, { limit: 1, with_payload: false })).points, [{ id: 0 }]);
});

t.test('points that are there all the while come exactly once, whatever else happens', async (t) => {
  const { collections } = await openEngine(t);
  const words = await collections.create(creation({ name: 'words', dimension: 2 }));
  const stable = Array.from({ length: 400 }, (_, index) => ({ id: `s${index}`, vector: [index, 1] }));
  await words.upsert(batchOf([...stable, ...pointsOf(400, 'gone')]));
  let round = 0;
  const ids = await allIds(words, { limit: 37, with_vector: true }, async () => {
    round++;
    await words.upsert(
      batchOf(Array.from({ length: 20 }, (_, index) => ({ id: `a${round}-${index}`, vector: [0, 1] }))),
    );
    await words.upsert(batchOf([{ id: `zz${round}`, vector: [0, 1] }, ...stable.slice(round, round + 9)]));
    const gone = pointsOf(400, 'gone').slice(round * 20, round * 20 + 20);
    await words.deletePoints({ ids: gone.map(({ id }) => id) });
    if (round === 3) words.startBuild({ max_leaf_size: 16 });
  });
  t.ok(round > 10);
  t.equal(new Set(ids).size, ids.length, 'none twice');
  const found = new Set(ids);
  t.ok(
    stable.every(({ id }) => found.has(id)),
    'none left out',
  );
  t.match(await words.build?.done, { state: 'succeeded' });
});

t.test('a page of large points ends early, and the next one goes on', async (t) => {
  const { collections } = await openEngine(t);
  const words = await collections.create(creation({ name: 'words', dimension: 2 }));
  const text = 'x'.repeat(60_000);
  const points = Array.from({ length: 80 }, (_, index) => ({
    id: index,
    vector: [index, 1],
    payload: { text },
  }));
  await words.upsert(batchOf(points));
  const first = await scroll(words, { limit: 1000 });
  t.ok(first.points.length > 10 && first.points.length < 80);
  t.not(first.lastKey, undefined);
  t.equal((await allIds(words, { limit: 1000 })).length, 80);
  t.equal((await scroll(words, { limit: 1000, with_payload: false })).points.length, 80);
});

t.test('a scroll through a collection that is dropped meanwhile is refused', async (t) => {
  const { collections } = await openEngine(t);
  const words = await collections.create(creation({ name: 'words', dimension: 2 }));
  await words.upsert(batchOf(pointsOf(1000)));
  const again = async (): Promise<never> => {
    for (;;) await scroll(words, { limit: 1000 });
  };
  const scrolling = t.rejects(again(), { code: 'collection_not_found' });
  await collections.drop('words');
  await scrolling;
});
