// What the search benchmark asks of every engine, Coppice included.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Matrix } from '../data/split.js';

export interface Engine {
  name: string;
  /** Version, kind of build and the parameters of the index. */
  about: string;
  build: BuildCost;
  /** What it keeps in RAM to search. */
  indexBytes: number;
  /** Full vectors that it reads from files while it searches; 0 where they are part of the index. */
  fileBytes: number;
  /** What is measured, each a trade of recall for speed. */
  efforts: Effort[];
  close(): Promise<void>;
}

export interface Effort {
  setting: string;
  /** Row numbers, nearest first. A promise only where the engine has no other call. */
  search(query: number): ArrayLike<number> | Promise<ArrayLike<number>>;
}

export interface EngineOptions {
  /** Of unit length, as the queries are, so that cosine, inner product and L2 agree. */
  base: Matrix;
  queries: Matrix;
  k: number;
  /** Where the engine may leave its files. */
  directory: string;
  /** Take an index that an earlier run left there. */
  reuse: boolean;
  /** Of one memory of Coppice's index, before it takes another. */
  memoryBytesMax?: number | undefined;
  say(text: string): void;
}

export interface BuildCost {
  seconds: number;
  /** Processor time of this process: what the build costs whatever else the machine does. */
  cpuSeconds: number;
}

/** Times `build`, which leaves its index in files; skips it where an earlier run did it and `reuse` allows that. */
export async function timedBuild(
  { reuse, say }: Pick<EngineOptions, 'reuse' | 'say'>,
  path: string,
  build: () => Promise<void> | void,
): Promise<BuildCost> {
  const costPath = `${path}.cost.json`;
  if (reuse && existsSync(costPath)) {
    say(`${path}: kept from an earlier run`);
    return JSON.parse(readFileSync(costPath, 'utf8')) as BuildCost;
  }
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  await build();
  const { user, system } = process.cpuUsage(startedCpu);
  const cost = { seconds: (performance.now() - startedMs) / 1000, cpuSeconds: (user + system) / 1e6 };
  writeFileSync(costPath, JSON.stringify(cost));
  say(`${path}: built in ${cost.seconds.toFixed(1)} s, ${cost.cpuSeconds.toFixed(1)} s of processor time`);
  return cost;
}
