// The random signs of the fast rotation. They are stored with each generation, so the generator may change. Runs on any thread.

import { seededRandom } from './random.js';

const ROTATION_SEED = 0x00c0_991c;
const SIGN_BIT = 0x8000_0000;

/** Sign masks of the four rounds, to be xored onto float32: `4 x dim` words, each 0 or the sign bit. */
export function rotationSigns(dim: number): Uint32Array {
  const random = seededRandom(ROTATION_SEED);
  return Uint32Array.from({ length: 4 * dim }, () => (random() < 0.5 ? SIGN_BIT : 0));
}
