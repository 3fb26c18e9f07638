// Recall and speed of each effort of each engine, in interleaved rounds.

import type { Effort } from '../engines/engine.js';
import { median } from '../report.js';

export interface Point {
  engine: string;
  setting: string;
  recall: number;
  /** By the clock. */
  qps: number;
  /** Processor time of the whole process a query, which other work on the machine does not lengthen. */
  cpuUs: number;
  p50Us: number;
  p99Us: number;
}

interface Round {
  qps: number;
  cpuUs: number;
  p50Us: number;
  p99Us: number;
}

/** All efforts in turn, round after round, so that the machine's drift falls on all alike; medians over the rounds. */
export async function measure(
  engines: { name: string; efforts: Effort[] }[],
  queryCount: number,
  recallOf: (found: ArrayLike<number>[]) => number,
  { rounds, say }: { rounds: number; say: (text: string) => void },
): Promise<Point[]> {
  const efforts = engines.flatMap(({ name, efforts }) => efforts.map((effort) => ({ engine: name, effort })));
  const recalls: number[] = [];
  for (const { effort } of efforts) {
    const found: ArrayLike<number>[] = [];
    for (let query = 0; query < queryCount; query++) found.push(Array.from(await effort.search(query)));
    recalls.push(recallOf(found));
  }
  const measured: Round[][] = efforts.map(() => []);
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    for (const [index, { effort }] of efforts.entries()) {
      measured[index]?.push(await runRound(effort, queryCount));
    }
  }
  return efforts.map(({ engine, effort }, index) => {
    const of = (figure: keyof Round) => median((measured[index] as Round[]).map((round) => round[figure]));
    return {
      engine,
      setting: effort.setting,
      recall: recalls[index] as number,
      qps: of('qps'),
      cpuUs: of('cpuUs'),
      p50Us: of('p50Us'),
      p99Us: of('p99Us'),
    };
  });
}

async function runRound({ search }: Effort, queryCount: number): Promise<Round> {
  const times = new Float64Array(queryCount);
  const startedCpu = process.cpuUsage();
  const startedMs = performance.now();
  for (let query = 0; query < queryCount; query++) {
    const begunMs = performance.now();
    const found = search(query);
    if (found instanceof Promise) await found;
    times[query] = performance.now() - begunMs;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(startedCpu);
  times.sort();
  return {
    qps: queryCount / seconds,
    cpuUs: (user + system) / queryCount,
    p50Us: (times[queryCount >> 1] as number) * 1000,
    p99Us: (times[Math.floor(queryCount * 0.99)] as number) * 1000,
  };
}
