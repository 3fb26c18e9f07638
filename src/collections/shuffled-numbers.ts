// The numbers below a count in an order that looks random, each once, without a list of them. Runs on any thread.

import { seededRandom } from '../index/random.js';

const ROUNDS = 3;
/** Fewer bits have too few orders to choose from. */
const BITS_MIN = 4;
const WORD = 2 ** 32;

/**
 * The order that belongs to the seed. Counts up to the next power of two, shuffles what it counts and leaves out what is
 * too large: at most 2 steps a number, or 16 for fewer than that. `count` is 2^32 at most.
 */
export function* shuffledNumbers(count: number, seed: number): Generator<number, undefined> {
  const bits = Math.max(BITS_MIN, Math.ceil(Math.log2(Math.max(1, count))));
  const shuffle = shuffleOf(bits, seed);
  for (let step = 0; step < 2 ** bits; step++) {
    const number = shuffle(step);
    if (number < count) yield number;
  }
}

/** A one-to-one map of the numbers of so many bits: each of its operations can be undone. */
function shuffleOf(bits: number, seed: number): (value: number) => number {
  const random = seededRandom(seed);
  const word = () => Math.floor(random() * WORD);
  const mask = (2 ** bits - 1) >>> 0;
  const shift = Math.ceil(bits / 2);
  const rounds = Array.from({ length: ROUNDS }, () => ({ factor: word() | 1, addend: word() }));
  return (value) => {
    let shuffled = value;
    for (const { factor, addend } of rounds) {
      shuffled = (Math.imul(shuffled + addend, factor) & mask) >>> 0;
      shuffled ^= shuffled >>> shift;
    }
    return shuffled >>> 0;
  };
}
