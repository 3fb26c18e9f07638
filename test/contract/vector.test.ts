import { test } from 'tap';
import { checkVector } from '../../src/contract/vector.js';
import { refusalOf } from './bodies.js';

const codeOf = (numbers: number[], metric: 'l2' | 'cosine' | 'dot') =>
  refusalOf(() => checkVector(Float32Array.from(numbers), numbers.length, metric)).code;

test('a vector whose squared length overflows float32 arithmetic is refused for every metric', async (t) => {
  for (const metric of ['l2', 'cosine', 'dot'] as const) {
    t.equal(codeOf([1e15, 1e14], metric), 'vector_out_of_range');
    t.equal(codeOf([3e38, 3e38], metric), 'vector_out_of_range');
    t.equal(codeOf(new Array(200).fill(1e14), metric), 'vector_out_of_range', 'the sum counts');
    t.doesNotThrow(() => checkVector(Float32Array.of(9.9e14, 1e13), 2, metric));
  }
});

test('a vector whose squared length vanishes is refused for cosine only', async (t) => {
  t.equal(codeOf([1e-16, 0], 'cosine'), 'vector_out_of_range');
  t.equal(codeOf([1e-45, 0], 'cosine'), 'vector_out_of_range');
  t.equal(codeOf([0, -0], 'cosine'), 'zero_vector');
  t.doesNotThrow(() => checkVector(Float32Array.of(1.1e-15, 0), 2, 'cosine'));
  for (const metric of ['l2', 'dot'] as const) {
    for (const numbers of [
      [1e-45, 0],
      [0, 0],
    ]) {
      t.doesNotThrow(() => checkVector(Float32Array.from(numbers), 2, metric));
    }
  }
});

test('the message tells the limit', async (t) => {
  const message = (numbers: number[]) =>
    refusalOf(() => checkVector(Float32Array.from(numbers), 2, 'cosine')).message;
  t.match(message([1e16, 0]), /1\.00e\+32.*at most 1e\+30/);
  t.match(message([1e-16, 0]), /1\.00e-32.*at least 1e-30/);
});
