import t from 'tap';
import { FairQueue, type Lane, type Waiting } from '../../src/collections/fair-queue.js';

interface Entry extends Waiting {
  name: string;
}

function entry(name: string, collection: string, costNs = 1, lane: Lane = 'search'): Entry {
  return { name, collection, lane, costNs };
}

const alone = () => false;
const always = () => true;

/** Names in the order in which they are taken, one at a time. */
function drain(queue: FairQueue<Entry>): string[] {
  const names: string[] = [];
  for (let taken = queue.take(1, 1, alone); taken; taken = queue.take(1, 1, alone)) names.push(taken[0].name);
  return names;
}

t.test('collections take turns, however much one of them has queued', async (t) => {
  const queue = new FairQueue<Entry>();
  for (let i = 0; i < 5; i++) queue.push(entry(`a${i}`, 'a'));
  queue.push(entry('b0', 'b'));
  queue.push(entry('b1', 'b'));
  t.strictSame(drain(queue), ['a0', 'b0', 'a1', 'b1', 'a2', 'a3', 'a4']);
  t.equal(queue.size, 0);
});

t.test('a turn is as much work, not as many entries', async (t) => {
  const queue = new FairQueue<Entry>();
  for (let i = 0; i < 3; i++) queue.push(entry(`long${i}`, 'a', 4));
  for (let i = 0; i < 8; i++) queue.push(entry(`b${i}`, 'b', 1));
  t.strictSame(drain(queue), ['long0', 'b0', 'b1', 'b2', 'b3', 'long1', 'b4', 'b5', 'b6', 'b7', 'long2']);
});

t.test('lanes of a collection take turns too, and do not make its share larger', async (t) => {
  const queue = new FairQueue<Entry>();
  for (let i = 0; i < 2; i++) {
    queue.push(entry(`scan${i}`, 'a', 1, 'scan'));
    queue.push(entry(`batch${i}`, 'a', 1, 'batch'));
    queue.push(entry(`search${i}`, 'a', 1, 'search'));
  }
  for (let i = 0; i < 3; i++) queue.push(entry(`b${i}`, 'b'));
  t.strictSame(drain(queue), ['scan0', 'b0', 'batch0', 'b1', 'search0', 'b2', 'scan1', 'batch1', 'search1']);
});

t.test('who was away has saved up no turns, and has lost no debt', async (t) => {
  const queue = new FairQueue<Entry>();
  for (let i = 0; i < 6; i++) queue.push(entry(`a${i}`, 'a'));
  for (let i = 0; i < 3; i++) queue.take(1, 1, alone);
  queue.push(entry('b0', 'b', 3));
  queue.push(entry('b1', 'b', 3));
  t.strictSame([queue.take(1, 1, alone)?.[0].name, queue.take(1, 1, alone)?.[0].name], ['b0', 'a3']);
  const again = queue.take(1, 1, alone)?.[0].name;
  t.equal(again, 'a4', 'b has had three times as much');
  t.strictSame(drain(queue), ['a5', 'b1']);
});

t.test('a collection that comes back with one entry at a time still pays for its long ones', async (t) => {
  const queue = new FairQueue<Entry>();
  for (let i = 0; i < 8; i++) queue.push(entry(`b${i}`, 'b'));
  const order: string[] = [];
  queue.push(entry('long', 'a', 4));
  while (queue.size > 1) {
    const [taken] = queue.take(1, 1, alone) ?? [];
    order.push(taken?.name ?? '');
    if (taken?.collection === 'a') queue.push(entry('long', 'a', 4));
  }
  t.strictSame(order, ['b0', 'long', 'b1', 'b2', 'b3', 'b4', 'long', 'b5', 'b6', 'b7']);
});

t.test('what fits goes along in order, up to a count and a cost', async (t) => {
  const names = (taken: Entry[] | undefined) => taken?.map(({ name }) => name);
  const queue = new FairQueue<Entry>();
  for (let i = 0; i < 6; i++) queue.push(entry(`a${i}`, 'a', 2));
  t.strictSame(names(queue.take(2, 100, always)), ['a0', 'a1']);
  t.strictSame(names(queue.take(9, 5, always)), ['a2', 'a3']);
  const odd = (_head: Entry, { name }: Entry) => name !== 'a5';
  t.strictSame(names(queue.take(9, 100, odd)), ['a4']);
  t.strictSame(names(queue.take(9, 1, always)), ['a5'], 'the first goes whatever it costs');
  t.equal(queue.take(9, 1, always), undefined);
});

t.test('an entry can be taken out, once', async (t) => {
  const queue = new FairQueue<Entry>();
  const [first, second] = [entry('first', 'a'), entry('second', 'a')];
  queue.push(first);
  queue.push(second);
  t.ok(queue.remove(first));
  t.notOk(queue.remove(first));
  t.equal(queue.size, 1);
  t.equal(queue.sizeOf('a'), 1);
  t.equal(queue.sizeOf('b'), 0);
  t.strictSame(drain(queue), ['second']);
  t.notOk(queue.remove(second));
});
