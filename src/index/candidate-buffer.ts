// The buffer that kernels push candidates into: estimates, lower bounds and positions side by side. Lives in a worker's scratch area.

/** Words of the struct that kernels read: count, capacity, keep, threshold, three array addresses, pushed. */
const STRUCT_BYTES = 32;

/** Kept beyond twice `keep`, so that a select is not needed after every push. */
const CAPACITY_MIN = 128;

export class CandidateBuffer {
  readonly address: number;
  readonly capacityMax: number;
  readonly estimates: Float32Array;
  readonly lowers: Float32Array;
  readonly positions: Uint32Array;
  readonly #words: Uint32Array;
  readonly #threshold: Float32Array;

  /** Takes `bytesFor(capacityMax)` bytes at `address`, a multiple of 16. */
  constructor(buffer: ArrayBufferLike, address: number, capacityMax: number) {
    const arrays = [0, 1, 2].map((i) => address + STRUCT_BYTES + i * capacityMax * 4) as [
      number,
      number,
      number,
    ];
    this.address = address;
    this.capacityMax = capacityMax;
    this.estimates = new Float32Array(buffer, arrays[0], capacityMax);
    this.lowers = new Float32Array(buffer, arrays[1], capacityMax);
    this.positions = new Uint32Array(buffer, arrays[2], capacityMax);
    this.#words = new Uint32Array(buffer, address, 8);
    this.#threshold = new Float32Array(buffer, address + 12, 1);
    this.#words.set(arrays, 4);
  }

  /** `capacityMax` must be a multiple of 4, which keeps the arrays aligned. */
  static bytesFor(capacityMax: number): number {
    return STRUCT_BYTES + 3 * 4 * capacityMax;
  }

  /** Empties it, to keep the `keep` smallest of what is pushed from now on. */
  reset(keep: number): void {
    this.#words[0] = 0;
    this.#words[1] = Math.min(this.capacityMax, Math.max(2 * keep, CAPACITY_MIN));
    this.#words[2] = keep;
    this.#threshold[0] = Number.POSITIVE_INFINITY;
    this.#words[7] = 0;
  }

  get count(): number {
    return this.#words[0] as number;
  }

  set count(count: number) {
    this.#words[0] = count;
  }
}
