// Shared memory with the real kernels bound to it, a bump allocator and seeded random numbers, for kernel tests.

import { compiledKernels, instantiateKernels, type Kernels } from '../../src/kernels/kernels.js';
import {
  BUFFER,
  BUFFER_HEADER_BYTES,
  CANDIDATE,
  CANDIDATE_BYTES,
  LEAF,
  LEAF_ENTRY_BYTES,
} from '../../src/kernels/layout.js';

export interface Floats {
  address: number;
  view: Float32Array;
}

export interface LeafEntry {
  blocks: number;
  count: number;
  firstPosition: number;
  tombstones: number;
  firstBit: number;
  constant: number;
  errorScale: number;
  /** Where vectors have leaves of their own: the address of their numbers; the two above are addresses then. */
  numbers?: number;
}

export interface CandidateList {
  estimates: number[];
  /** Lower bounds once `boundCandidates` has run. */
  bounds: number[];
  positions: number[];
}

const PAGE_BYTES = 65_536;

export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  #next: number;

  /** `base`: where allocation begins, to test high addresses; `module`: other kernels than this engine's. */
  constructor(bytes = 16 * 2 ** 20, base = 64, module = compiledKernels()) {
    this.memory = new WebAssembly.Memory({
      initial: Math.ceil((base + bytes) / PAGE_BYTES),
      maximum: PAGE_BYTES,
      shared: true,
    });
    this.kernels = instantiateKernels(this.memory, module);
    this.#next = base;
  }

  allocate(bytes: number): number {
    const address = this.#next;
    this.#next = Math.ceil((address + bytes) / 16) * 16;
    return address;
  }

  floats(source: ArrayLike<number> | number): Floats {
    const length = typeof source === 'number' ? source : source.length;
    const address = this.allocate(length * 4);
    const view = new Float32Array(this.memory.buffer, address, length);
    if (typeof source !== 'number') view.set(source);
    return { address, view };
  }

  words(source: ArrayLike<number> | number): { address: number; view: Uint32Array } {
    const length = typeof source === 'number' ? source : source.length;
    const address = this.allocate(length * 4);
    const view = new Uint32Array(this.memory.buffer, address, length);
    if (typeof source !== 'number') view.set(source);
    return { address, view };
  }

  bytes(length: number): { address: number; view: Uint8Array } {
    const address = this.allocate(length);
    return { address, view: new Uint8Array(this.memory.buffer, address, length) };
  }

  leaves(entries: LeafEntry[]): number {
    const address = this.allocate(entries.length * LEAF_ENTRY_BYTES);
    entries.forEach((entry, index) => {
      const view = new DataView(this.memory.buffer, address + index * LEAF_ENTRY_BYTES);
      view.setUint32(LEAF.blocks, entry.blocks, true);
      view.setUint32(LEAF.count, entry.count, true);
      view.setUint32(LEAF.firstPosition, entry.firstPosition, true);
      view.setUint32(LEAF.tombstones, entry.tombstones, true);
      view.setUint32(LEAF.firstBit, entry.firstBit, true);
      const numbers = entry.numbers ?? 0;
      view.setUint32(LEAF.leafNumbers, numbers, true);
      for (const name of ['constant', 'errorScale'] as const)
        if (numbers === 0) view.setFloat32(LEAF[name], entry[name], true);
        else view.setUint32(LEAF[name], entry[name], true);
    });
    return address;
  }

  buffer(keep: number, capacity = 2 * keep + 32): number {
    const address = this.allocate(BUFFER_HEADER_BYTES);
    const view = new DataView(this.memory.buffer, address);
    view.setUint32(BUFFER.capacity, capacity, true);
    view.setUint32(BUFFER.keep, keep, true);
    view.setFloat32(BUFFER.threshold, Number.POSITIVE_INFINITY, true);
    view.setUint32(BUFFER.candidates, this.allocate(capacity * CANDIDATE_BYTES), true);
    return address;
  }

  field(buffer: number, offset: number): number {
    return new DataView(this.memory.buffer, buffer).getUint32(offset, true);
  }

  threshold(buffer: number): number {
    return new DataView(this.memory.buffer, buffer).getFloat32(BUFFER.threshold, true);
  }

  candidates(buffer: number): CandidateList {
    const view = this.#candidateView(buffer);
    const list: CandidateList = { estimates: [], bounds: [], positions: [] };
    for (let i = 0; i < this.field(buffer, BUFFER.count); i++) {
      const at = i * CANDIDATE_BYTES;
      const order = view.getUint32(at + CANDIDATE.order, true);
      const bits = new DataView(new ArrayBuffer(4));
      bits.setUint32(0, order >= 0x80000000 ? order - 0x80000000 : ~order >>> 0);
      list.estimates.push(bits.getFloat32(0));
      list.bounds.push(view.getFloat32(at + CANDIDATE.bound, true));
      list.positions.push(view.getUint32(at + CANDIDATE.position, true));
    }
    return list;
  }

  /** Writes candidates with positive estimates into a buffer as pushes would, without the threshold. */
  fill(buffer: number, estimates: ArrayLike<number>, positions: ArrayLike<number>): void {
    const view = this.#candidateView(buffer);
    for (let i = 0; i < estimates.length; i++) {
      const at = i * CANDIDATE_BYTES;
      view.setUint32(at + CANDIDATE.position, positions[i] as number, true);
      view.setFloat32(at + CANDIDATE.order, estimates[i] as number, true);
      view.setUint8(at + CANDIDATE.order + 3, view.getUint8(at + CANDIDATE.order + 3) | 0x80);
      view.setFloat32(at + CANDIDATE.bound, (estimates[i] as number) - 1, true);
    }
    new DataView(this.memory.buffer, buffer).setUint32(BUFFER.count, estimates.length, true);
  }

  #candidateView(buffer: number): DataView {
    return new DataView(this.memory.buffer, this.field(buffer, BUFFER.candidates));
  }
}

/** Seeded uniform numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `length` seeded normal numbers, as float32. */
export function gaussian(next: () => number, length: number, deviation = 1): Float32Array {
  return Float32Array.from(
    { length },
    () => deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}

export function signWordsOf(next: () => number, dim: number): Uint32Array {
  return Uint32Array.from({ length: 4 * dim }, () => (next() < 0.5 ? 0 : 0x80000000));
}
