// A memory beside a generation's own: the codes of those leaves that have no room there, as a WebAssembly memory ends at
// 4 GiB. Used on the main thread (tombstones) and on workers (reading).
//
// | region     | bytes                      | content                                                        | in the file |
// |------------|----------------------------|----------------------------------------------------------------|-------------|
// | header     | 64                         | the words of `WORD`                                            | yes         |
// | codes      | blocks x blockBytes        | code blocks, leaf by leaf                                      | yes         |
// | tombstones | slots / 8                  | the generation's bits of these slots, again: where a scan reads | no          |
// | beyond     | grows                      | scratch areas of threads                                       | no          |

import { allocateMemory, wholeLines } from './allocate-memory.js';
import { type LayoutCounts, layOut } from './memory-layout.js';
import { blockBytes, type IndexSettings } from './settings.js';

const HEADER_BYTES = 64;
/** Of a memory, for what does not grow: pending rows and scratch areas grow in the generation's own, scratch areas in others. */
const OWN_SHARE = 3 / 4;
const OTHER_SHARE = 7 / 8;
const WORD = { firstSlot: 0, slots: 1, tombstones: 2, end: 3 } as const;

/** What one code memory holds. */
export interface CodeMemoryCounts {
  slots: number;
  codeBlocks: number;
}

export class CodeMemory {
  readonly memory: WebAssembly.Memory;
  /** It holds the codes of the slots from here on. */
  readonly firstSlot: number;
  readonly slots: number;
  /** Address of the first block. */
  readonly codes = HEADER_BYTES;
  readonly tombstones: number;
  /** First byte behind the fixed regions. */
  readonly end: number;
  readonly #dead: Uint8Array;

  /** Wraps a memory whose header is written already, of `endOf` bytes at least. */
  constructor(memory: WebAssembly.Memory) {
    const [firstSlot, slots, tombstones, end] = new Uint32Array(memory.buffer, 0, 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    this.memory = memory;
    this.firstSlot = firstSlot;
    this.slots = slots;
    this.tombstones = tombstones;
    this.end = end;
    this.#dead = new Uint8Array(memory.buffer, tombstones, Math.ceil(slots / 8));
  }

  /** What a memory read from a file has to grow to, for the tombstones. */
  static endOf(memory: WebAssembly.Memory): number {
    return new Uint32Array(memory.buffer, 0, HEADER_BYTES / 4)[WORD.end] as number;
  }

  /** @throws memory_full */
  static allocate(settings: IndexSettings, counts: CodeMemoryCounts, firstSlot: number): CodeMemory {
    const { fileBytes, end } = layOutCodes(settings, counts);
    const memory = allocateMemory(end);
    const words = new Uint32Array(memory.buffer, 0, HEADER_BYTES / 4);
    words[WORD.firstSlot] = firstSlot;
    words[WORD.slots] = counts.slots;
    words[WORD.tombstones] = fileBytes;
    words[WORD.end] = end;
    return new CodeMemory(memory);
  }

  /** Bytes from 0 that a generation file holds. */
  get fileBytes(): number {
    return this.tombstones;
  }

  /** As `Generation.markDead`. */
  markDead(slot: number): void {
    const bit = slot - this.firstSlot;
    this.#dead[bit >>> 3] = (this.#dead[bit >>> 3] as number) | (1 << (bit & 7));
  }
}

/** Where the fixed regions of a code memory end, and what of them a file holds. */
export function layOutCodes(
  settings: IndexSettings,
  { slots, codeBlocks }: CodeMemoryCounts,
): { fileBytes: number; end: number } {
  const fileBytes = wholeLines(HEADER_BYTES + codeBlocks * blockBytes(settings));
  return { fileBytes, end: fileBytes + wholeLines(Math.ceil(slots / 8)) };
}

/**
 * Shares the leaves' codes out, in their order: first to the generation's own memory, which keeps room for what grows in
 * it, then to as many others as it takes. `leaves`: the vectors of each leaf, and its blocks.
 */
export function divideCodes(
  settings: IndexSettings,
  counts: Omit<LayoutCounts, 'codeBlocks' | 'codeMemories'>,
  leaves: { sizes: ArrayLike<number>; blocks: ArrayLike<number> },
  memoryBytesMax: number,
): LayoutCounts {
  const fixedBytes = layOut(settings, { ...counts, codeBlocks: 0, codeMemories: [] }).end;
  const ownBytes = OWN_SHARE * memoryBytesMax - fixedBytes;
  const otherBytes = OTHER_SHARE * memoryBytesMax;
  let codeBlocks = 0;
  let leaf = 0;
  const fits = (blocks: number, bytes: number): boolean =>
    (blocks + (leaves.blocks[leaf] as number)) * blockBytes(settings) <= bytes;
  while (leaf < counts.leaves && fits(codeBlocks, ownBytes)) codeBlocks += leaves.blocks[leaf++] as number;
  const codeMemories: CodeMemoryCounts[] = [];
  while (leaf < counts.leaves) {
    const next = { slots: 0, codeBlocks: 0 };
    do {
      next.slots += leaves.sizes[leaf] as number;
      next.codeBlocks += leaves.blocks[leaf++] as number;
    } while (leaf < counts.leaves && fits(next.codeBlocks, otherBytes));
    codeMemories.push(next);
  }
  return { ...counts, codeBlocks, codeMemories };
}
