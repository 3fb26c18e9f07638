// The plan of a crash run: what is written in which round and when the process is killed; the same for the same seed.

import { seededRandom } from '../../src/index/random.js';

export const DIMENSION = 16;
const POINT_COUNT = 3000;
const BATCH_POINTS_MAX = 150;
const DELETE_SHARE = 0.15;
const TOUCH_SHARE = 0.15;
const WRITES_PER_ROUND_MAX = 10_000;

/** What goes on beside the writes when the process is killed. */
export type Activity = 'ingest' | 'build' | 'conversion';

/**
 * One write of some points, a change of their payloads, or the deletion of some, by their ids or by a filter. A point never
 * gets the same version twice.
 */
export interface PlannedWrite {
  kind: 'upsert' | 'touch' | 'delete' | 'delete_by_filter';
  ids: string[];
  version: number;
}

const ACTIVITIES: Activity[] = ['ingest', 'build', 'conversion', 'build'];
/** Latest kill, as a multiple of the time that the activity takes alone on this machine. */
const KILL_SHARE_MAX: Record<Activity, number> = { ingest: 8, build: 2, conversion: 4 };

export class CrashPlan {
  readonly seed: number;
  readonly #random: () => number;

  constructor(seed: number) {
    this.seed = seed;
    this.#random = seededRandom(seed);
  }

  /** What goes on and when it is cut off, in the time that it takes once; to be asked for each round in order. */
  kill(round: number): { activity: Activity; killAfter: number } {
    const activity = ACTIVITIES[round % ACTIVITIES.length] as Activity;
    return { activity, killAfter: this.#random() * KILL_SHARE_MAX[activity] };
  }

  /** Gives the first half of the points their first values. */
  *firstWrites(): Generator<PlannedWrite> {
    for (let first = 0; first < POINT_COUNT / 2; first += BATCH_POINTS_MAX) {
      const ids = Array.from({ length: BATCH_POINTS_MAX }, (_, index) => `point-${first + index}`);
      yield { kind: 'upsert', ids, version: 0 };
    }
  }

  /** What one of `writers` writes in a round, as far as it comes; writers have no points in common. */
  *writes(round: number, writer: number, writers: number): Generator<PlannedWrite, never> {
    const random = seededRandom(this.seed + round * 31 + writer);
    for (let step = 0; ; step++) {
      const size = 1 + Math.floor(random() * BATCH_POINTS_MAX);
      const ids = new Set<string>();
      while (ids.size < size) {
        const number = Math.floor((random() * POINT_COUNT) / writers) * writers + writer;
        ids.add(`point-${number}`);
      }
      yield { kind: kindOf(random()), ids: [...ids], version: (round + 1) * WRITES_PER_ROUND_MAX + step };
    }
  }
}

function kindOf(share: number): PlannedWrite['kind'] {
  if (share < DELETE_SHARE / 2) return 'delete';
  if (share < DELETE_SHARE) return 'delete_by_filter';
  return share < DELETE_SHARE + TOUCH_SHARE ? 'touch' : 'upsert';
}

/** The vector of a point's version: no other point or version has it, or one near it. */
export function vectorOf(id: string, version: number): Float32Array {
  const random = seededRandom(Number(id.split('-')[1]) * 1_000_003 + version * 7919);
  return Float32Array.from({ length: DIMENSION }, () => random() * 2 - 1);
}
