// Refuses inserts while there is still room on the disk, so that deletes, drops and a restart always have some.
// One for all collections of a data directory. Main thread.

import { ServiceError } from '../errors.js';
import { DISK_RESERVE_BYTES } from '../limits.js';
import { freeBytes } from '../storage/files.js';

/** How long a measurement of the free space is believed. */
const MEASURED_FOR_MS = 500;

export class DiskReserve {
  readonly #path: string;
  readonly #reserveBytes: number;
  #free = 0;
  #measuredAtMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, reserveBytes: number = DISK_RESERVE_BYTES) {
    this.#path = path;
    this.#reserveBytes = reserveBytes;
  }

  /**
   * Makes sure that `bytes` more can be written and the reserve is still there; counts them as written.
   * @throws disk_full
   */
  async claim(bytes: number): Promise<void> {
    if (performance.now() - this.#measuredAtMs > MEASURED_FOR_MS) await this.free();
    try {
      this.check(bytes, this.#free);
    } catch (error) {
      // Space may have been freed a moment ago: the next insert looks again.
      this.#measuredAtMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
    this.#free -= bytes;
  }

  /** Bytes that are free now. */
  async free(): Promise<number> {
    this.#free = await freeBytes(this.#path);
    this.#measuredAtMs = performance.now();
    return this.#free;
  }

  /** Whether `bytes` of `free` can be written, without claiming them. @throws disk_full */
  check(bytes: number, free: number): void {
    if (free - bytes < this.#reserveBytes)
      throw new ServiceError('disk_full', { free, reserve: this.#reserveBytes });
  }
}
