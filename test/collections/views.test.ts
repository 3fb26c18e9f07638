import t from 'tap';
import { MemoryBudget } from '../../src/collections/memory-budget.js';
import { ServedGeneration } from '../../src/collections/served-generation.js';
import { Views } from '../../src/collections/views.js';
import { ServiceError } from '../../src/errors.js';
import { completeSettings } from '../../src/index/settings.js';

const NO_VECTORS = { dimension: 4, precision: 'float32' as const, segments: [] };
const turn = () => new Promise((resolve) => setImmediate(resolve));

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

t.test('a view is released when its last search has ended, also after newer ones were shown', async (t) => {
  const served = await ServedGeneration.empty(
    completeSettings({ dimension: 4, metric: 'l2' }),
    0,
    new MemoryBudget(2 ** 30, 0).claim(),
  );
  const released: string[] = [];
  const views = new Views('c', (key) => released.push(key));
  void views.show(served, NO_VECTORS);
  const [slow, quick] = [gate(), gate()];
  const first = views.use(async ({ view }) => {
    await slow.opened;
    return view.key;
  });
  void views.show(served, NO_VECTORS);
  const second = views.use(async ({ view }) => {
    await quick.opened;
    return view.key;
  });
  let unused = false;
  const ended = views.show(served, NO_VECTORS).then(() => {
    unused = true;
  });
  quick.open();
  const secondKey = await second;
  await turn();
  t.strictSame(released, [secondKey]);
  t.notOk(unused, 'the first view is still in use');
  slow.open();
  const firstKey = await first;
  await ended;
  t.strictSame(released, [secondKey, firstKey]);
  t.not(firstKey, secondKey);
});

t.test('the last view of a generation to be released tells that the generation is gone', async (t) => {
  const settings = completeSettings({ dimension: 4, metric: 'l2' });
  const first = await ServedGeneration.empty(settings, 0, new MemoryBudget(2 ** 30, 0).claim());
  const second = Object.assign(
    await ServedGeneration.empty(settings, 0, new MemoryBudget(2 ** 30, 0).claim()),
    { number: 1 },
  );
  const gone: (string | undefined)[] = [];
  const views = new Views('c', (_, generationKey) => gone.push(generationKey));
  void views.show(first, NO_VECTORS);
  const { open, opened } = gate();
  const oldest = views.use(() => opened);
  void views.show(first, NO_VECTORS);
  const ended = views.show(second, NO_VECTORS);
  await turn();
  t.strictSame(gone, [undefined], 'a search on the oldest view of generation 0 is under way');
  open();
  await Promise.all([oldest, ended]);
  t.strictSame(gone, [undefined, 'c/0']);
  await views.close(new ServiceError('shutting_down'));
  t.strictSame(gone, [undefined, 'c/0', 'c/1']);
});

t.test('a closed collection of views refuses uses and waits for those in flight', async (t) => {
  const served = await ServedGeneration.empty(
    completeSettings({ dimension: 4, metric: 'l2' }),
    0,
    new MemoryBudget(2 ** 30, 0).claim(),
  );
  const released: string[] = [];
  const views = new Views('c', (key) => released.push(key));
  void views.show(served, NO_VECTORS);
  const { open, opened } = gate();
  const use = views.use(() => opened);
  const closed = views.close(new ServiceError('shutting_down'));
  t.throws(() => views.current, { code: 'shutting_down' });
  await t.rejects(
    views.use(async () => {}),
    { code: 'shutting_down' },
  );
  await turn();
  t.strictSame(released, []);
  open();
  await Promise.all([use, closed]);
  t.equal(released.length, 1);
});

t.test('rows of an empty generation are pending, and die once', async (t) => {
  const served = await ServedGeneration.empty(
    completeSettings({ dimension: 4, metric: 'l2' }),
    10,
    new MemoryBudget(2 ** 30, 0).claim(),
  );
  served.publish(15);
  served.markDead(12);
  served.markDead(12);
  served.markDead(3);
  t.equal(served.pendingCount, 4);
  t.equal(served.deadCount, 1);
  t.equal(served.indexedCount, 0);
  t.ok(served.holds(14));
  t.notOk(served.holds(9));
});
