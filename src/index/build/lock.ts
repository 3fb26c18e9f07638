// Locks in shared memory: one word each, 0 = free, 1 = taken, 2 = taken and somebody waits. Runs on build workers.

const FREE = 0;
const TAKEN = 1;
const AWAITED = 2;

/** Runs `work` while no other thread runs something under the same lock. */
export function withLock(locks: Int32Array, index: number, work: () => void): void {
  if (Atomics.compareExchange(locks, index, FREE, TAKEN) !== FREE) {
    while (Atomics.exchange(locks, index, AWAITED) !== FREE) Atomics.wait(locks, index, AWAITED);
  }
  try {
    work();
  } finally {
    if (Atomics.exchange(locks, index, FREE) === AWAITED) Atomics.notify(locks, index, 1);
  }
}
