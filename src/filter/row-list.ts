// Rows gathered in any order, to become a set. Runs on any thread.

import type { RowSet } from './row-set.js';

const START_ROWS = 64;

export class RowList {
  #rows = new Uint32Array(START_ROWS);
  #count = 0;

  push(row: number): void {
    if (this.#count === this.#rows.length) {
      const larger = new Uint32Array(2 * this.#count);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#rows[this.#count++] = row;
  }

  /** Ascending order spares the set of looking for the place of each row. */
  addTo(set: RowSet): void {
    if (this.#count > 0) set.addMany(this.#rows.subarray(0, this.#count).sort());
  }
}
