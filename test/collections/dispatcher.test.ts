import t from 'tap';
import { Dispatcher } from '../../src/collections/dispatcher.js';
import type { Answer, Query, QueryPart } from '../../src/index/query.js';
import type { SearchView } from '../../src/workers/messages.js';
import type { SearchPool } from '../../src/workers/search-pool.js';

interface Task {
  view: SearchView;
  queries: Query[];
  part: QueryPart | undefined;
  answer: () => void;
  fail: (error: Error) => void;
}

/** A pool whose threads answer when the test says so. */
function manualPool(threads: number) {
  const tasks: Task[] = [];
  const pool = {
    threads,
    search: (view: SearchView, queries: Query[], part?: QueryPart) =>
      new Promise<Answer[]>((resolve, reject) => {
        tasks.push({ view, queries, part, answer: () => resolve(queries.map(answerTo)), fail: reject });
      }),
  };
  return { tasks, pool: pool as unknown as SearchPool };
}

function answerTo(query: Query, index = 0): Answer {
  const stats = { probes: 1, leaves: 1, vectorsScanned: 1, vectorsReranked: 1 };
  const times = { prepareUs: 1, rankUs: 1, scanUs: 1, rerankUs: 1 };
  return { rows: Uint32Array.of(query.k), distances: Float32Array.of(index), stats: { ...stats, ...times } };
}

const view = (key: string) => ({ key }) as SearchView;
const query = (k: number, exact = false): Query => ({
  vector: new Float32Array(2),
  k,
  probes: 1,
  rerankFactor: 1,
  exact,
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('a query goes out at once while a thread is free', async (t) => {
  const { tasks, pool } = manualPool(2);
  const dispatcher = new Dispatcher(pool);
  const answer = dispatcher.search(view('a'), query(3));
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
  const first = dispatcher.search(a, query(1));
  await turn();
  const waiting = [2, 3, 4].map((k) => dispatcher.search(a, query(k)));
  const other = dispatcher.search(b, query(9));
  t.equal(dispatcher.queueSize, 4);
  tasks[0]?.answer();
  await first;
  await turn();
  t.strictSame(
    tasks[1]?.queries.map((one) => one.k),
    [2, 3, 4],
  );
  tasks[1]?.answer();
  t.strictSame(
    (await Promise.all(waiting)).map((answer) => answer.rows[0]),
    [2, 3, 4],
  );
  await turn();
  t.equal(tasks[2]?.view, b);
  tasks[2]?.answer();
  await other;
});

t.test('a task has at most 16 queries, and an exact scan is alone in its task', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const a = view('a');
  const all = Array.from({ length: 20 }, (_, k) => dispatcher.search(a, query(k)));
  all.push(dispatcher.search(a, query(99, true)), dispatcher.search(a, query(100)));
  for (let at = 0; at < 4; at++) {
    await turn();
    tasks[at]?.answer();
  }
  await Promise.all(all);
  t.strictSame(
    tasks.map((task) => task.queries.length),
    [16, 5, 1],
  );
});

t.test('free threads share what waits evenly', async (t) => {
  const { tasks, pool } = manualPool(2);
  const dispatcher = new Dispatcher(pool);
  const all = Array.from({ length: 6 }, (_, k) => dispatcher.search(view('a'), query(k)));
  t.ok(all.length);
  await turn();
  t.equal(tasks.length, 2);
  for (const task of tasks) task.answer();
});

t.test('more waiting queries than the queue holds are refused', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool, 2);
  const a = view('a');
  const first = dispatcher.search(a, query(1));
  await turn();
  const waiting = [dispatcher.search(a, query(2)), dispatcher.search(a, query(3))];
  await t.rejects(dispatcher.search(a, query(4)), { code: 'too_many_requests' });
  tasks[0]?.answer();
  await first;
  await turn();
  tasks[1]?.answer();
  await Promise.all(waiting);
});

t.test('a failed task fails its queries and frees its thread', async (t) => {
  const { tasks, pool } = manualPool(1);
  const dispatcher = new Dispatcher(pool);
  const lost = dispatcher.search(view('a'), query(1));
  await turn();
  const next = dispatcher.search(view('a'), query(2));
  tasks[0]?.fail(new Error('the thread died'));
  await t.rejects(lost, { message: 'the thread died' });
  await turn();
  tasks[1]?.answer();
  t.equal((await next).rows[0], 2);
});

t.test('a split query ends with its last share, also when one fails', async (t) => {
  const { tasks, pool } = manualPool(3);
  const dispatcher = new Dispatcher(pool);
  let ended = false;
  const counts = { pendingCount: 10, encodedCount: 4 };
  const split = dispatcher.searchSplit(view('a'), query(1), 3, counts).finally(() => {
    ended = true;
  });
  split.catch(() => {});
  t.strictSame(
    tasks.map((task) => task.part),
    [
      { index: 0, count: 3, counts },
      { index: 1, count: 3, counts },
      { index: 2, count: 3, counts },
    ],
  );
  tasks[0]?.fail(new Error('broken'));
  tasks[1]?.answer();
  await turn();
  t.notOk(ended);
  tasks[2]?.answer();
  await t.rejects(split, { message: 'broken' });
});
