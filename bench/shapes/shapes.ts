// All shapes of data, and the metrics and aims they are measured with.

import type { Metric } from '../../src/contract/index-settings.js';
import type { Aim } from './cell.js';
import { GROUPED_SHAPES } from './grouped-shapes.js';
import type { Shape } from './shape.js';
import { SPREAD_SHAPES } from './spread-shapes.js';

export const SHAPES: readonly Shape[] = [...SPREAD_SHAPES, ...GROUPED_SHAPES];
export const METRICS: readonly Metric[] = ['l2', 'cosine', 'dot'];
export const AIMS: readonly Aim[] = [1, 10, 100].flatMap((k) =>
  [0.95, 0.99].map((target) => ({ k, target })),
);

export function shapeNamed(name: string): Shape {
  const shape = SHAPES.find((known) => known.name === name);
  if (shape === undefined) throw new Error(`there is no shape ${name}`);
  return shape;
}

/** Of the shape alone: a cell is the same whichever others run. */
export function seedOf(shape: Shape): number {
  return 1 + SHAPES.indexOf(shape);
}
