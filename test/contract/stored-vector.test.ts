import { test } from 'tap';
import type { Precision } from '../../src/contract/index-settings.js';
import { loadVector, rowBytes, storeVector } from '../../src/contract/stored-vector.js';
import { gaussian, random } from '../kernels/arena.js';

const COMPACT = ['float16', 'int8'] as const;

function stored(vector: Float32Array, precision: Precision): Uint8Array {
  const row = new Uint8Array(rowBytes({ dimension: vector.length, precision }));
  storeVector(vector, precision, row, 0);
  return row;
}

function kept(numbers: ArrayLike<number>, precision: Precision): number[] {
  const vector = Float32Array.from(numbers);
  return [...loadVector(stored(vector, precision), { dimension: vector.length, precision })];
}

test('a row has 4, 2 or 1 bytes a number, its scale, and ends at a multiple of 4', async (t) => {
  const lengths = (dimension: number) =>
    (['float32', ...COMPACT] as const).map((precision) => rowBytes({ dimension, precision }));
  t.same(lengths(768), [3072, 1540, 776]);
  t.same(lengths(5), [20, 16, 16]);
  t.same(lengths(2), [8, 8, 12]);
});

test('float32 is kept bit by bit', async (t) => {
  const numbers = Float32Array.of(1e-45, -0, 3.4e38, 1 / 3, -1e-20);
  t.strictSame(kept(numbers, 'float32'), [...numbers]);
});

test('float16 keeps 11 bits of each number near the largest, and rounds to the nearest, ties to even', async (t) => {
  const exact = [1, -0.5, 2047 / 1024, 1 / 4096, 0];
  t.same(kept(exact, 'float16'), exact);
  t.same(kept([1, 1 + 1 / 2048, 1 + 3 / 2048, 1 + 1.1 / 2048], 'float16'), [
    1,
    1,
    1 + 2 / 1024,
    1 + 1 / 1024,
  ]);
  const vector = gaussian(random(3), 500);
  for (const [i, number] of kept(vector, 'float16').entries()) {
    const given = vector[i] as number;
    t.ok(Math.abs(number - given) <= Math.abs(given) * 2 ** -11 + 2 ** -36, `${given} became ${number}`);
  }
});

test('int8 is off by half a step at most, a 254th of the largest number', async (t) => {
  const vector = gaussian(random(4), 300);
  const largest = Math.max(...vector.map(Math.abs));
  for (const [i, number] of kept(vector, 'int8').entries()) {
    t.ok(Math.abs(number - (vector[i] as number)) <= (largest / 254) * (1 + 1e-6));
  }
  t.same(kept([127, -127, 3, 0], 'int8'), [127, -127, 3, 0]);
});

test('an int8 row knows the sum of the squares of its bytes', async (t) => {
  const row = stored(Float32Array.of(2, -0.9, 0.5), 'int8');
  const bytes = [...new Int8Array(row.buffer, 8, 3)];
  t.same(bytes, [127, -57, 32]);
  t.equal(new DataView(row.buffer).getUint32(4, true), 127 ** 2 + 57 ** 2 + 32 ** 2);
});

test('vectors of any length keep their direction, however long or short', async (t) => {
  const vector = gaussian(random(5), 40);
  for (const precision of COMPACT) {
    const reference = kept(vector, precision);
    for (const factor of [2 ** -60, 2 ** -20, 2 ** 20, 2 ** 49]) {
      const scaled = kept(
        vector.map((value) => value * factor),
        precision,
      );
      t.same(
        scaled.map((value) => value / factor),
        reference,
        `${precision} x ${factor}`,
      );
    }
  }
});

test('zeros, and numbers whose squares are nothing in float32, are kept as zeros', async (t) => {
  for (const precision of COMPACT) {
    t.same(kept([0, 0, 0], precision), [0, 0, 0]);
    t.same(kept([1e-40, -1e-45, 0], precision), [0, 0, 0]);
  }
});

test('what stood in the place of a row is written over, its filling too', async (t) => {
  for (const precision of COMPACT) {
    const vector = Float32Array.of(1, 2, 3, 4, 5);
    const bytes = rowBytes({ dimension: 5, precision });
    const target = new Uint8Array(2 * bytes).fill(255);
    storeVector(vector, precision, target, bytes);
    t.same(target.subarray(bytes), stored(vector, precision));
    t.ok(target.subarray(0, bytes).every((byte) => byte === 255));
    storeVector(new Float32Array(5), precision, target, bytes);
    t.ok(target.subarray(bytes).every((byte) => byte === 0));
  }
});
