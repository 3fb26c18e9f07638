// Filters of a collection under writes, and when the thread that answers them dies.

import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import type { Filter } from '../../src/contract/filter.js';
import { idKey } from '../../src/contract/points.js';
import { seededRandom } from '../../src/index/random.js';
import { batchOf, type TestPoint } from './batches.js';
import { creation, type Engine, openEngine, searchFor } from './engine.js';

// Threads start slowly where the tests share few cores.
t.setTimeout(300_000);

const DIMENSION = 4;
/** Ids below this always match, ids from there up to twice as much never, the next sometimes. */
const STEADY = 400;
const CHURN_MS = 1500;
/** Points that a search is asked for by their ids. */
const WANTED = 8;
const IS_RED: Filter = { must: [{ key: 'colour', match: { value: 'red' } }] };
const COLOURS = ['red', 'blue', 'red'];

const random = seededRandom(20_261_127);
const below = (end: number) => Math.floor(random() * end);

function point(id: number, colour: string): TestPoint {
  const vector = Array.from({ length: DIMENSION }, (_, at) => Math.sin(id * 7 + at));
  return { id, vector, payload: { colour, turn: below(1000) } };
}

function colourOf(id: number): string {
  return id < STEADY ? 'red' : id < 2 * STEADY ? 'blue' : (COLOURS[below(3)] as string);
}

/** Points of all three kinds, and what is there at last. */
async function withPoints(engine: Engine): Promise<{ collection: Collection; colours: Map<number, string> }> {
  const collection = await engine.collections.create(creation({ name: 'c', dimension: DIMENSION }));
  const colours = new Map(Array.from({ length: 3 * STEADY }, (_, id) => [id, colourOf(id)]));
  await collection.upsert(batchOf([...colours].map(([id, colour]) => point(id, colour))));
  return { collection, colours };
}

/** Replaces, updates, deletes and inserts points, each kind of which stays what it is. */
async function write(collection: Collection, colours: Map<number, string>, writer: number): Promise<void> {
  const ids = [...new Set(Array.from({ length: 20 }, () => 2 * below((3 * STEADY) / 2) + writer))];
  const changing = ids.filter((id) => id >= 2 * STEADY);
  const action = below(4);
  if (action === 0) {
    await collection.deletePoints({ ids: changing });
    for (const id of changing) colours.delete(id);
  } else if (action === 1) {
    const colour = COLOURS[below(3)] as string;
    await collection.updatePayload({ ids: changing, set: { colour } });
    for (const id of changing) if (colours.has(id)) colours.set(id, colour);
    await collection.updatePayload({ ids: ids.filter((id) => id < 2 * STEADY), set: { turn: below(1000) } });
  } else {
    const points = ids.map((id) => [id, colourOf(id)] as const);
    await collection.upsert(batchOf(points.map(([id, colour]) => point(id, colour))));
    for (const [id, colour] of points) colours.set(id, colour);
  }
}

async function scrolledIds(collection: Collection, filter: Filter): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await collection.scrollPoints({
      limit: 150,
      cursor,
      with_payload: false,
      with_vector: false,
      filter,
    });
    keys.push(...page.points.map(({ id }) => idKey(id)));
    cursor = page.lastKey;
  } while (cursor !== undefined);
  return keys;
}

const steady = Array.from({ length: STEADY }, (_, id) => String(id));
const isNever = (key: string) => Number(key) >= STEADY && Number(key) < 2 * STEADY;

async function checkPages(collection: Collection): Promise<string[]> {
  const keys = await scrolledIds(collection, IS_RED);
  const found = new Set(keys);
  return [
    ...steady.filter((key) => !found.has(key)).map((key) => `a page lacks ${key}`),
    ...keys.filter(isNever).map((key) => `a page has ${key}`),
    ...(found.size === keys.length ? [] : ['a page repeats']),
  ];
}

async function checkCounts(collection: Collection): Promise<string[]> {
  const { count } = await collection.countPoints(IS_RED);
  const { facets } = await collection.facet({ key: 'colour', filter: IS_RED, limit: 5 });
  const problems = count < STEADY || count > 2 * STEADY ? [`counted ${count}`] : [];
  const [facet] = facets;
  if (facets.length === 1 && facet?.value === 'red' && facet.count >= STEADY) return problems;
  return [...problems, `facets ${JSON.stringify(facets)}`];
}

async function checkSearches(collection: Collection): Promise<string[]> {
  // Few: of hundreds, some are replaced again whenever their ids are looked up, until the search takes what it has.
  const first = below(STEADY - WANTED);
  const wanted = steady.slice(first, first + WANTED);
  const filter = { must: [...(IS_RED.must ?? []), { has_id: wanted }] };
  const request = { vector: [0, 0, 0, 0], k: 1000, filter: below(2) === 0 ? filter : IS_RED };
  const { results } = await collection.search(
    searchFor(below(2) === 0 ? request : { ...request, exact: true }),
  );
  const found = new Set(results.map(({ id }) => idKey(id)));
  const lacking = request.filter === filter ? wanted.filter((key) => !found.has(key)) : [];
  return [
    ...lacking.map((key) => `a search lacks ${key}`),
    ...[...found].filter(isNever).map((key) => `a search has ${key}`),
  ];
}

/** Indexes come and go: filters are answered by one, by none, and by one that is being filled. */
async function changeIndexes(collection: Collection): Promise<string[]> {
  await collection.setPayloadIndex('colour', below(2) === 0 ? 'keyword' : 'text');
  await setTimeout(below(60));
  await collection.dropPayloadIndex('colour');
  await setTimeout(below(60));
  return [];
}

async function build(collection: Collection): Promise<string[]> {
  const { state } = await collection.startBuild({ max_leaf_size: 50 }).done;
  return state === 'succeeded' ? [] : [`build ${state}`];
}

t.test('under writes what matches all the while is found, and what never does is not', async (t) => {
  const engine = await openEngine(t);
  const { collection, colours } = await withPoints(engine);
  const endMs = performance.now() + CHURN_MS;
  const rounds = { pages: 0, counts: 0, searches: 0, indexes: 0, builds: 0, writes: 0 };
  const problems: string[] = [];
  const repeat = async (kind: keyof typeof rounds, step: () => Promise<string[] | undefined>) => {
    while (performance.now() < endMs) {
      problems.push(...((await step()) ?? []));
      rounds[kind]++;
    }
  };
  const writing = (writer: number) =>
    repeat('writes', async () => {
      await write(collection, colours, writer);
      return [];
    });
  await Promise.all([
    writing(0),
    writing(1),
    repeat('pages', () => checkPages(collection)),
    repeat('counts', () => checkCounts(collection)),
    repeat('searches', () => checkSearches(collection)),
    repeat('indexes', () => changeIndexes(collection)),
    repeat('builds', () => build(collection)),
  ]);
  t.comment(JSON.stringify(rounds));
  t.strictSame(problems.slice(0, 10), [], `${problems.length} problems`);
  for (const type of ['keyword', 'text', undefined] as const) {
    if (type !== undefined) await collection.setPayloadIndex('colour', type);
    else await collection.dropPayloadIndex('colour');
    await checkAtRest(t, collection, colours);
  }
  t.strictSame(engine.complaints, []);
});

async function checkAtRest(t: Test, collection: Collection, colours: Map<number, string>): Promise<void> {
  const expected = [...colours].filter(([, colour]) => colour === 'red').map(([id]) => String(id));
  t.same(new Set(await scrolledIds(collection, IS_RED)), new Set(expected));
  t.equal((await collection.countPoints(IS_RED)).count, expected.length);
  const { results } = await collection.search(searchFor({ vector: [0, 0, 0, 0], k: 1000, filter: IS_RED }));
  t.same(new Set(results.map(({ id }) => idKey(id))), new Set(expected));
}

/** The thread of filters: of the threads that `step` starts, the one that stays busy with nothing else. */
async function threadsOf(step: () => Promise<unknown>): Promise<Worker[]> {
  const started: Worker[] = [];
  const listen = (worker: Worker) => started.push(worker);
  process.on('worker', listen);
  await step();
  process.off('worker', listen);
  return started;
}

t.test('the thread dies, and the next filter is answered as before; no write is lost', async (t) => {
  const engine = await openEngine(t);
  const { collection, colours } = await withPoints(engine);
  await collection.upsert(batchOf([point(3 * STEADY, 'green')]));
  const isGreen: Filter = { must: [{ key: 'colour', match: { value: 'green' } }] };
  for (const isIndexed of [false, true]) {
    const threads = await threadsOf(async () => {
      if (isIndexed) await collection.setPayloadIndex('colour', 'keyword');
      await collection.countPoints(isGreen);
    });
    // With the index comes no new thread: the first one was replaced when the filters below were asked.
    const [thread] = threads.length > 0 ? threads : latest;
    t.ok(thread, 'a thread was started');
    const dying = collection.countPoints(IS_RED).catch((error) => error);
    const writing = collection.upsert(batchOf([point(5000, 'green')]));
    const next = await threadsOf(async () => {
      await thread?.terminate();
      await writing;
      const answer = await dying;
      if (!(answer instanceof Error)) t.equal(answer.count, countOf(colours, 'red'));
      await collection.upsert(batchOf([point(5001, 'green')]));
      t.equal((await collection.countPoints(isGreen)).count, 3);
    });
    t.equal(next.length, 1, 'another thread');
    latest = next;
    await checkAtRest(t, collection, colours);
    t.equal((await collection.deletePoints({ ids: [5000, 5001] })).deleted, 2);
    t.equal((await collection.countPoints(isGreen)).count, 1);
  }
  const indexes = await collection.listPayloadIndexes();
  t.match(indexes, [{ key: 'colour', type: 'keyword', state: 'ready' }]);
});
let latest: Worker[] = [];

function countOf(colours: Map<number, string>, wanted: string): number {
  return [...colours.values()].filter((colour) => colour === wanted).length;
}

/** Of commits that a deletion or an update by filter makes; src/collections/chosen-points.ts. */
const POINTS_PER_COMMIT = 256;

t.test('what a filter chooses goes in commits of some hundred points, all of it', async (t) => {
  const engine = await openEngine(t);
  const { collection } = await withPoints(engine);
  const counts = [
    1,
    POINTS_PER_COMMIT - 1,
    POINTS_PER_COMMIT,
    POINTS_PER_COMMIT + 1,
    2 * POINTS_PER_COMMIT + 1,
  ];
  for (const [round, count] of counts.entries()) {
    const colour = `colour ${round}`;
    const filter: Filter = { must: [{ key: 'colour', match: { value: colour } }] };
    const ids = Array.from({ length: count }, (_, i) => 10_000 * (round + 1) + i);
    const { sequence } = await collection.upsert(batchOf(ids.map((id) => point(id, colour))));
    const commits = Math.ceil(count / POINTS_PER_COMMIT);
    const updated = await collection.updatePayload({ filter, set: { turn: -1 } });
    t.match(updated, { updated: count, sequence: sequence + commits });
    const isUpdated: Filter = { must: [...(filter.must ?? []), { key: 'turn', match: { value: -1 } }] };
    t.equal((await collection.countPoints(isUpdated)).count, count);
    const others = collection.pointsCount - count;
    t.match(await collection.deletePoints({ filter }), { deleted: count, sequence: sequence + 2 * commits });
    t.equal(collection.pointsCount, others);
    t.equal((await collection.countPoints(filter)).count, 0);
  }
});

t.test(
  'points that change while a filter deletes are judged as they are when their turn comes',
  async (t) => {
    const engine = await openEngine(t);
    const { collection } = await withPoints(engine);
    const isGreen: Filter = { must: [{ key: 'colour', match: { value: 'green' } }] };
    const GREEN = 2000;
    const green = Array.from({ length: GREEN }, (_, i) => 10_000 + i);
    await collection.upsert(batchOf(green.map((id) => point(id, 'green'))));
    const others = collection.pointsCount - GREEN;
    const deleting = collection.deletePoints({ filter: isGreen });
    // The last of them, which come last: some become blue by a new point, some by their payload, some go by themselves.
    const replaced = green.slice(-30, -20);
    const updated = green.slice(-20, -10);
    const deleted = green.slice(-10);
    await collection.upsert(batchOf(replaced.map((id) => point(id, 'blue'))));
    const changed = await collection.updatePayload({ ids: updated, set: { colour: 'blue' } });
    const gone = await collection.deletePoints({ ids: deleted });
    t.match([changed.updated, gone.deleted], [updated.length, deleted.length], 'the deletion was not over');
    t.equal((await deleting).deleted, GREEN - 30);
    t.equal(collection.pointsCount, others + 20);
    t.equal((await collection.countPoints(isGreen)).count, 0);
  },
);

t.test('the thread dies while a filter deletes: the deletion goes on', async (t) => {
  const engine = await openEngine(t);
  const { collection, colours } = await withPoints(engine);
  const isGreen: Filter = { must: [{ key: 'colour', match: { value: 'green' } }] };
  const green = Array.from({ length: 2000 }, (_, i) => point(10_000 + i, 'green'));
  await collection.upsert(batchOf(green));
  const [thread] = await threadsOf(() => collection.countPoints(isGreen));
  t.ok(thread, 'a thread was started');
  const { sequence } = await collection.upsert(batchOf([point(5000, 'blue')]));
  const deleting = collection.deletePoints({ filter: isGreen });
  while ((await collection.upsert(batchOf([point(5000, 'blue')]))).sequence < sequence + 4);
  t.ok(collection.pointsCount > colours.size + 1, 'it was not over');
  await thread?.terminate();
  t.equal((await deleting).deleted, green.length);
  t.equal(collection.pointsCount, colours.size + 1);
});

for (const end of ['dropped', 'closed'] as const) {
  t.test(`a deletion by filter while the collection is ${end} ends with an error or the whole`, async (t) => {
    const engine = await openEngine(t);
    const { collection } = await withPoints(engine);
    const green = Array.from({ length: 5000 }, (_, id) => point(10_000 + id, 'green'));
    await collection.upsert(batchOf(green));
    const filter: Filter = { must: [{ key: 'colour', match: { value: 'green' } }] };
    const deleting = collection.deletePoints({ filter }).then(
      ({ deleted }) => deleted,
      ({ code }) => code,
    );
    await setTimeout(below(40));
    await (end === 'dropped' ? engine.collections.drop('c') : engine.collections.close());
    const outcome = await deleting;
    t.ok([green.length, 'collection_not_found', 'shutting_down'].includes(outcome), String(outcome));
    t.strictSame(engine.complaints, []);
  });
}

for (const end of ['dropped', 'closed'] as const) {
  t.test(`a filter asked for while the collection is ${end} has an error or the whole answer`, async (t) => {
    const engine = await openEngine(t);
    const { collection, colours } = await withPoints(engine);
    await collection.upsert(batchOf(Array.from({ length: 9000 }, (_, id) => point(10_000 + id, 'green'))));
    const ask = (): Promise<number>[] => [
      collection.countPoints(IS_RED).then(({ count }) => count),
      collection
        .scrollPoints({
          limit: 1000,
          cursor: undefined,
          with_payload: true,
          with_vector: true,
          filter: IS_RED,
        })
        .then(({ points }) => points.length),
      collection
        .search(searchFor({ vector: [0, 0, 0, 0], k: 1000, filter: IS_RED }))
        .then(({ results }) => results.length),
    ];
    const asked = ask();
    await setTimeout(below(20));
    const ending = end === 'dropped' ? engine.collections.drop('c') : engine.collections.close();
    asked.push(...ask());
    const outcomes = await Promise.allSettled(asked);
    await ending;
    const late = await Promise.allSettled(ask());
    const codes = ['collection_not_found', 'shutting_down'];
    for (const outcome of [...outcomes, ...late]) {
      if (outcome.status === 'fulfilled') t.equal(outcome.value, countOf(colours, 'red'));
      else t.ok(codes.includes(outcome.reason.code), String(outcome.reason.stack));
    }
    for (const { status } of late) t.equal(status, 'rejected', 'afterwards there is no answer');
  });
}

t.test('a client that was told of its write finds it at once, beside many others', async (t) => {
  const engine = await openEngine(t);
  const { collection } = await withPoints(engine);
  await collection.setPayloadIndex('own', 'integer');
  const client = async (number: number) => {
    for (let turn = 1; turn <= 10; turn++) {
      const id = 10_000 + number;
      const own = number * 1000 + turn;
      const filterOf = (value: number): Filter => ({ must: [{ key: 'own', match: { value } }] });
      const vector = [number, turn, 0, 0];
      if (turn % 3 === 0) await collection.updatePayload({ ids: [id], set: { own } });
      else await collection.upsert(batchOf([{ id, vector, payload: { own } }]));
      const { results } = await collection.search(searchFor({ vector, filter: filterOf(own) }));
      if (results[0]?.id !== id || results.length !== 1)
        return `search ${own} found ${JSON.stringify(results)}`;
      const [before, now] = [
        await collection.countPoints(filterOf(own - 1)),
        await collection.countPoints(filterOf(own)),
      ];
      if (now.count !== 1 || before.count !== 0) return `count ${own}: ${before.count}, ${now.count}`;
    }
    return undefined;
  };
  const problems = await Promise.all(Array.from({ length: 30 }, (_, number) => client(number)));
  t.strictSame(
    problems.filter((problem) => problem !== undefined),
    [],
  );
});
