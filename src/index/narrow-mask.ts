// Exact search under a filter, where a distance is known that the k-th does not exceed: what the codes put beyond it need
// not be read. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { LEAF, LEAF_ENTRY_BYTES, METRIC_NUMBER } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import type { LeafRanker } from './rank-leaves.js';
import type { Scratch } from './scratch.js';
import { codeDimension } from './settings.js';

const LEAF_WORDS = LEAF_ENTRY_BYTES / 4;

export class MaskNarrower {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;

  constructor(generation: Generation, kernels: Kernels, scratch: Scratch, ranker: LeafRanker) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#scratch = scratch;
    this.#ranker = ranker;
  }

  /**
   * Takes out of the mask those of slots [first, end) whose lower bound is above `boundMax`, as a rerank leaves out such
   * candidates. The query's tables must have been built. Returns the leaves and the codes scanned; leaves whose codes are in
   * another memory stay as they are: the mask is here.
   */
  narrow(boundMax: number, [first, end]: [number, number]): { leaves: number; vectors: number } {
    const { settings, codeMemories } = this.#generation;
    const { forms, leafEntries, leafWords, mask } = this.#scratch;
    const { leaves, vectors } = this.#leavesOf(first, Math.min(end, codeMemories[0]?.firstSlot ?? end));
    mask.forget();
    this.#ranker.list(leaves);
    for (let i = 0; i < leaves.length; i++) mask.mask(leafWords, i);
    this.#kernels.excludeBeyond(
      forms.tables,
      forms.tableOut,
      codeDimension(settings.dimension),
      settings.bits,
      METRIC_NUMBER[settings.metric],
      leafEntries,
      leaves.length,
      boundMax,
    );
    return { leaves: leaves.length, vectors };
  }

  /** The leaves with matches that have a share in these slots. */
  #leavesOf(first: number, end: number): { leaves: number[]; vectors: number } {
    const { leafTable } = this.#generation;
    const { leafMatches } = this.#scratch.mask;
    const leaves: number[] = [];
    let vectors = 0;
    for (let leaf = 0; leaf < leafMatches.length; leaf++) {
      const position = leafTable[leaf * LEAF_WORDS + LEAF.firstPosition / 4] as number;
      const count = leafTable[leaf * LEAF_WORDS + LEAF.count / 4] as number;
      if (leafMatches[leaf] === 0 || position >= end || position + count <= first) continue;
      leaves.push(leaf);
      vectors += count;
    }
    return { leaves, vectors };
  }
}
