import t from 'tap';
import { Dispatcher, type Errand } from '../../src/collections/dispatcher.js';
import { ServiceError } from '../../src/errors.js';
import type { Answer, Query, QueryPart } from '../../src/index/query.js';
import type { SearchView } from '../../src/workers/messages.js';

interface Task {
  view: SearchView;
  queries: Query[];
  part: QueryPart | undefined;
  isEncode: boolean;
  answer: () => void;
  fail: (error: Error) => void;
}

/** A pool whose threads answer when the test says so: real ones would, at times of their own. */
function manualPool(threads: number) {
  const tasks: Task[] = [];
  const pool = {
    threads,
    search: (view: SearchView, queries: Query[], part?: QueryPart) =>
      new Promise<Answer[]>((resolve, reject) => {
        const answer = () => resolve(queries.map(answerTo));
        tasks.push({ view, queries, part, isEncode: false, answer, fail: reject });
      }),
    encodePending: (view: SearchView) =>
      new Promise<number>((resolve, reject) => {
        const answer = () => resolve(7);
        tasks.push({ view, queries: [], part: undefined, isEncode: true, answer, fail: reject });
      }),
  };
  return { tasks, pool };
}

function answerTo(query: Query, index = 0): Answer {
  const stats = { searchWay: 'probes', probes: 1, leaves: 1, vectorsScanned: 1, vectorsReranked: 1 } as const;
  const times = { prepareUs: 1, rankUs: 1, scanUs: 1, rerankUs: 1 };
  return { rows: Uint32Array.of(query.k), distances: Float32Array.of(index), stats: { ...stats, ...times } };
}

/** So long that none is sent ahead to a busy thread. */
const LONG_NS = 3_000_000;
const views = new Map<string, SearchView>();
/** The same for the same name. */
function view(key: string): SearchView {
  const known = views.get(key) ?? ({ key } as SearchView);
  views.set(key, known);
  return known;
}
const query = (k: number): Query => ({
  vector: new Float32Array(2),
  k,
  probes: 1,
  rerankFactor: 1,
  exact: false,
});
const errand = (costNs = 1000, rest: Partial<Errand> = {}): Errand => ({
  collection: 'c',
  lane: 'search',
  costNs,
  ...rest,
});
const turn = () => new Promise((resolve) => setImmediate(resolve));
const ks = (task: Task | undefined) => task?.queries.map((one) => one.k);
const rowsOf = async (answers: Promise<Answer>[]) => (await Promise.all(answers)).map(({ rows }) => rows[0]);

t.test('a query goes out at once while a thread is free', async (t) => {
  const { tasks, pool } = manualPool(2);
  const dispatcher = new Dispatcher(pool);
  const answer = dispatcher.search(view('a'), query(3), errand());
  await turn();
  t.equal(tasks.length, 1);
  t.equal(dispatcher.idleThreads, 1);
  tasks[0]?.answer();
  t.strictSame([...(await answer).rows], [3]);
});

t.test('queries that wait go out together, those of each view apart', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const [a, b] = [view('a'), view('b')];
  const first = dispatcher.search(a, query(1), errand(LONG_NS));
  await turn();
  const waiting = [2, 3, 4].map((k) => dispatcher.search(a, query(k), errand()));
  const other = dispatcher.search(b, query(9), errand());
  await turn();
  t.equal(dispatcher.queueSize, 4);
  t.equal(dispatcher.idleThreads, 0);
  tasks[0]?.answer();
  await first;
  await turn();
  t.strictSame(ks(tasks[1]), [2, 3, 4]);
  t.equal(tasks[2]?.view, b, 'short ones are sent ahead to the busy thread');
  for (const task of tasks) task.answer();
  t.strictSame(await rowsOf([...waiting, other]), [2, 3, 4, 9]);
  t.strictSame([...dispatcher.figures.taskQueries.counts], [2, 0, 1, 0, 0, 0]);
  t.equal(
    dispatcher.figures.waitSeconds.counts.reduce((sum, count) => sum + count),
    5,
  );
});

t.test('a task has at most 16 queries, and no more than are worth a few milliseconds', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const all = Array.from({ length: 20 }, (_, k) => dispatcher.search(view('a'), query(k), errand()));
  for (let k = 20; k < 24; k++) all.push(dispatcher.search(view('a'), query(k), errand(1_900_000)));
  for (let at = 0; at < 4; at++) {
    await turn();
    tasks[at]?.answer();
  }
  t.strictSame(await rowsOf(all), [...Array(24).keys()]);
  t.strictSame(
    tasks.map((task) => task.queries.length),
    [16, 6, 2],
  );
});

t.test('free threads share what waits evenly', async (t) => {
  const { tasks, pool } = manualPool(2);
  const dispatcher = new Dispatcher(pool);
  for (let k = 0; k < 6; k++) void dispatcher.search(view('a'), query(k), errand());
  await turn();
  t.strictSame(
    tasks.map((task) => task.queries.length),
    [3, 3],
  );
  for (const task of tasks) task.answer();
});

t.test('a thread has one task waiting at most, and none behind a long one', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const ask = async (costNs: number) => {
    void dispatcher.search(view('a'), query(1), errand(costNs));
    await turn();
    return tasks.length;
  };
  t.equal(await ask(1000), 1);
  t.equal(await ask(LONG_NS), 2);
  t.equal(await ask(1000), 2);
  tasks[0]?.answer();
  await turn();
  t.equal(tasks.length, 2, 'the long one runs');
  tasks[1]?.answer();
  await turn();
  t.equal(tasks.length, 3);
});

t.test('collections take turns: many queries of one do not hold up those of another', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const ask = (name: string, k: number) =>
    dispatcher.search(view(name), query(k), errand(LONG_NS, { collection: name }));
  const all = [1, 2, 3, 4].map((k) => ask('heavy', k));
  await turn();
  all.push(ask('light', 5), ask('light', 6));
  for (let at = 0; at < 6; at++) {
    await turn();
    tasks[at]?.answer();
  }
  await Promise.all(all);
  t.strictSame(tasks.flatMap(ks), [1, 5, 2, 6, 3, 4]);
});

t.test('a full queue refuses, and a full share of one collection leaves room for others', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool, { queuedMax: 3, queuedOfCollectionMax: 2 });
  const ask = (collection: string) => dispatcher.search(view('a'), query(1), errand(LONG_NS, { collection }));
  const all = [ask('a')];
  await turn();
  all.push(ask('a'), ask('a'));
  await t.rejects(ask('a'), { code: 'too_many_requests' });
  all.push(ask('b'));
  await t.rejects(ask('c'), { code: 'overloaded' });
  t.match(dispatcher.figures.dropped, { overloaded: 1, too_many_requests: 1 });
  for (let at = 0; at < 4; at++) {
    tasks[at]?.answer();
    await turn();
  }
  t.equal((await Promise.all(all)).length, 4);
});

t.test('a query that nobody waits for leaves the queue; one that runs is left to end', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const [client, clock] = [new AbortController(), new AbortController()];
  const ask = (k: number, signal?: AbortSignal) =>
    dispatcher.search(view('a'), query(k), errand(LONG_NS, { signal }));
  const running = ask(1, client.signal);
  await turn();
  const left = ask(2, client.signal);
  const late = ask(3, clock.signal);
  const kept = ask(4);
  client.abort(new ServiceError('malformed_request', { reason: 'gone' }));
  clock.abort(new ServiceError('timeout', { timeoutMs: 1 }));
  await t.rejects(left, { code: 'malformed_request' });
  await t.rejects(late, { code: 'timeout' });
  await t.rejects(ask(5, clock.signal), { code: 'timeout' }, 'it is not queued at all');
  t.equal(dispatcher.queueSize, 1);
  t.match(dispatcher.figures.dropped, { timeout: 1, client_left: 1 });
  tasks[0]?.answer();
  t.equal((await running).rows[0], 1);
  await turn();
  tasks[1]?.answer();
  await kept;
  t.strictSame(tasks.flatMap(ks), [1, 4]);
});

t.test('a failed task fails its queries and frees its thread', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const lost = dispatcher.search(view('a'), query(1), errand(LONG_NS));
  await turn();
  const next = dispatcher.search(view('a'), query(2), errand());
  tasks[0]?.fail(new Error('the thread died'));
  await t.rejects(lost, { message: 'the thread died' });
  await turn();
  tasks[1]?.answer();
  t.equal((await next).rows[0], 2);
});

t.test('a query in parts has one on each thread at a time, and others take turns with them', async (t) => {
  const { tasks, pool } = manualPool(2);
  const dispatcher = new Dispatcher(pool);
  const counts = { pendingCount: 10, encodedCount: 4 };
  const scan = errand(8 * LONG_NS, { lane: 'scan' });
  const parts = dispatcher.searchInParts(view('a'), query(50), 8, counts, scan);
  await turn();
  t.strictSame(
    tasks.map((task) => task.part),
    [
      { index: 0, count: 8, counts },
      { index: 1, count: 8, counts },
    ],
  );
  const short = dispatcher.search(view('a'), query(1), errand());
  tasks[0]?.answer();
  await turn();
  t.strictSame(ks(tasks[2]), [1], 'the short one goes before the third part');
  for (let at = 0; at < 9; at++) {
    tasks[at]?.answer();
    await turn();
  }
  await short;
  t.equal((await parts).stats.vectorsScanned, 8);
  t.equal(tasks.length, 9);
});

t.test('a query in parts ends with its last running part, also when one fails', async (t) => {
  const { tasks, pool } = manualPool(2);
  const dispatcher = new Dispatcher(pool);
  let ended = false;
  const counts = { pendingCount: 10, encodedCount: 4 };
  const split = dispatcher.searchInParts(view('a'), query(1), 9, counts, errand(9 * LONG_NS)).finally(() => {
    ended = true;
  });
  split.catch(() => {});
  await turn();
  tasks[0]?.fail(new Error('broken'));
  await turn();
  t.notOk(ended);
  tasks[1]?.answer();
  await t.rejects(split, { message: 'broken' });
  t.equal(tasks.length, 2, 'no further part is begun');
});

t.test('codes are made in turn with searches', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const first = dispatcher.search(view('a'), query(1), errand(LONG_NS));
  await turn();
  const searches = [2, 3].map((k) => dispatcher.search(view('a'), query(k), errand(LONG_NS)));
  const left = dispatcher.encodePending(view('a'), errand(LONG_NS, { lane: 'encode' }));
  for (let at = 0; at < 4; at++) {
    tasks[at]?.answer();
    await turn();
  }
  t.equal(await left, 7);
  await Promise.all([first, ...searches]);
  t.ok(tasks[1]?.isEncode || tasks[2]?.isEncode, 'not behind all of them');
});
