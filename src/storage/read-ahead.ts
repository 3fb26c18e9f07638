// Tells from the time that reads take whether they wait for the disk, and so whether pages should be asked for before
// they are touched. One for each reader, on its thread.
//
// Asking costs about a microsecond a row, several times what reading it from the page cache does; not asking costs a
// disk read a row, one after the other. So while reads are fast nothing is asked for, but the first rows of a list are
// looked at closely: one that waits for its page makes the others be asked for at once, and so are the lists that come
// after it, until one is read as fast as from memory.

/** Rows at the head of a list after each of which the time is looked at. */
export const PROBE_ROWS = 8;
/** The fastest disks take longer for one page; eight rows from the page cache take a few microseconds. */
const DISK_READ_MS = 0.04;
/** Rows whose pages are in the page cache, but not yet in this process, take up to this. */
const CACHED_ROW_MS = 0.002;

export class ReadAhead {
  readonly #now: () => number;
  /** Whether the last list had to wait for the disk. A new reader most likely does. */
  #isCold = true;
  #startedMs = 0;
  #waited = false;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A list of rows is going to be read; true: ask for all of it first. */
  begin(): boolean {
    this.#waited = false;
    this.#startedMs = this.#now();
    return this.#isCold;
  }

  /** Some of the first rows were read without having been asked for; true: ask for the others. */
  probe(): boolean {
    this.#waited = this.#now() - this.#startedMs > DISK_READ_MS;
    return this.#waited;
  }

  /** Pages were asked for: from here on the time says whether they were there before. */
  asked(): void {
    this.#startedMs = this.#now();
  }

  /** All `count` rows were touched. */
  end(count: number): void {
    const tookMs = this.#now() - this.#startedMs;
    this.#isCold = this.#waited || tookMs > DISK_READ_MS + count * CACHED_ROW_MS;
  }
}
