// How many bytes a collection occupies on the disk, measured in the background: callers get the last figure at once.
// Main thread.

import { directoryBytes } from '../storage/files.js';

/** A figure older than this is measured again when it is asked for. */
const FRESH_MS = 500;

export class DiskUsage {
  readonly #path: string;
  #bytes = 0;
  #measuredAtMs = Number.NEGATIVE_INFINITY;
  #measuring: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The last figure; where it is old a new one is under way for the next caller. */
  get bytes(): number {
    if (performance.now() - this.#measuredAtMs > FRESH_MS) void this.measure();
    return this.#bytes;
  }

  /** Resolves when the figure is new. A directory that cannot be read keeps the last figure. */
  measure(): Promise<void> {
    this.#measuring ??= directoryBytes(this.#path)
      .then(
        (bytes) => {
          this.#bytes = bytes;
        },
        () => {},
      )
      .finally(() => {
        this.#measuredAtMs = performance.now();
        this.#measuring = undefined;
      });
    return this.#measuring;
  }
}
