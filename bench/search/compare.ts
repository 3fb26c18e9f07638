// Engines at equal recall: each read off its own measured points.

import type { Point } from './measure.js';

/** A figure of speed: larger is better. */
export type Speed = (point: Point) => number;

/** Points that no other beats in both recall and speed, by rising recall. */
export function bestPoints(points: Point[], speed: Speed): Point[] {
  const best: Point[] = [];
  for (const point of [...points].sort((a, b) => b.recall - a.recall || speed(b) - speed(a))) {
    const faster = best.at(-1);
    if (faster === undefined || speed(point) > speed(faster)) best.push(point);
  }
  return best.reverse();
}

/**
 * Speed at a recall, on the straight line between the measured points on both sides. Undefined where no point reaches
 * that recall; where all lie above it, that of the fastest.
 */
export function speedAt(points: Point[], recall: number, speed: Speed): number | undefined {
  const best = bestPoints(points, speed);
  const above = best.findIndex((point) => point.recall >= recall);
  const high = best[above];
  const low = best[above - 1];
  if (high === undefined || low === undefined) return high && speed(high);
  const share = (recall - low.recall) / (high.recall - low.recall);
  return speed(low) + share * (speed(high) - speed(low));
}

/** One line a recall: the speed of each engine, `-` where it does not get there. */
export function compareAt(recalls: number[], engines: string[], points: Point[], speed: Speed): object[] {
  return recalls.map((recall) => ({
    recall,
    ...Object.fromEntries(
      engines.map((engine) => {
        const own = points.filter((point) => point.engine === engine);
        const value = speedAt(own, recall, speed);
        return [engine, value === undefined ? '-' : Math.round(value)];
      }),
    ),
  }));
}
