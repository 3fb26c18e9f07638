import t from 'tap';
import { shuffledNumbers } from '../../src/collections/shuffled-numbers.js';

t.test('each number below the count comes once, in an order of the seed', async (t) => {
  for (const count of [0, 1, 2, 3, 15, 16, 17, 1000, 4096, 65_537]) {
    const numbers = [...shuffledNumbers(count, 5)];
    t.equal(numbers.length, count);
    t.equal(new Set(numbers).size, count, `${count} numbers`);
    t.ok(numbers.every((number) => number >= 0 && number < count));
    t.strictSame([...shuffledNumbers(count, 5)], numbers);
  }
  t.notSame([...shuffledNumbers(1000, 5)], [...shuffledNumbers(1000, 6)]);
});

t.test('the first of them are spread evenly, whatever the seed', async (t) => {
  const [tenths, pairs] = [new Uint32Array(10), new Uint32Array(4)];
  const seeds = 500;
  for (let seed = 0; seed < seeds; seed++) {
    const order = shuffledNumbers(100_000, seed);
    const drawn = Array.from({ length: 20 }, () => order.next().value as number);
    for (const number of drawn) tenths[Math.floor(number / 10_000)]!++;
    pairs[2 * (drawn[0]! % 2) + (drawn[1]! % 2)]!++;
  }
  // Four deviations of a binomial.
  for (const [tenth, count] of tenths.entries())
    t.ok(Math.abs(count - 1000) < 120, `tenth ${tenth}: ${count}`);
  for (const count of pairs) t.ok(Math.abs(count - 125) < 40, `one after another: ${pairs}`);
});

t.test('a count of the largest collection begins at once', async (t) => {
  const order = shuffledNumbers(2 ** 32 - 2, 1);
  const first = Array.from({ length: 1000 }, () => order.next().value as number);
  t.equal(new Set(first).size, 1000);
  t.ok(first.every((number) => number >= 0 && number < 2 ** 32 - 2));
  t.ok(first.filter((number) => number >= 2 ** 31).length > 400);
});
