// Shapes without clusters: how far the numbers are from zero, how much vectors or dimensions differ in size, and outliers.

import { type Draw, NO_CLUSTER, normalSource, type Shape } from './shape.js';

const DIMENSION = 32;
const STREETS = 60;
const TOWN_METRES = 2000;
/** One outlier is this many times larger, and lies among the rows that a centre is taken from. */
const OUTLIER_AT = 500;
const OUTLIER_TIMES = 1e6;
const OUTLIER_EVERY = 997;
const CONSTANTS = 20;

/** Each number by itself. */
function plain(
  name: string,
  dimension: number,
  numberOf: (normal: () => number, i: number) => number,
): Shape {
  return {
    name,
    dimension,
    open: (random) => {
      const normal = normalSource(random);
      return (target) => {
        for (let i = 0; i < dimension; i++) target[i] = numberOf(normal, i);
        return NO_CLUSTER;
      };
    },
  };
}

/** N(0, 1), each vector times what `sizeOf` says. */
function sized(
  name: string,
  sizeOf: (normal: () => number, random: () => number, at: number) => number,
): Shape {
  return {
    name,
    dimension: DIMENSION,
    open: (random) => {
      const normal = normalSource(random);
      return (target, at) => {
        const size = sizeOf(normal, random, at);
        for (let i = 0; i < DIMENSION; i++) target[i] = size * normal();
        return NO_CLUSTER;
      };
    },
  };
}

const uniformCube: Shape = {
  name: 'uniform-cube',
  dimension: 16,
  open: (random) => (target) => {
    for (let i = 0; i < target.length; i++) target[i] = random();
    return NO_CLUSTER;
  },
};

/** Easting, northing and height of houses along the streets of a town, in metres. */
const utm: Shape = {
  name: 'utm-metres',
  dimension: 3,
  open: (random) => {
    const normal = normalSource(random);
    const streets = Array.from({ length: STREETS }, () => ({
      east: random() * TOWN_METRES,
      north: random() * TOWN_METRES,
      angle: Math.floor(random() * 2) * (Math.PI / 2) + 0.1 * normal(),
      length: 200 + 800 * random(),
    }));
    return (target) => {
      const street = streets[Math.floor(random() * STREETS)] as (typeof streets)[number];
      const along = (random() - 0.5) * street.length;
      const beside = (random() < 0.5 ? -12 : 12) + 2 * normal();
      const [cos, sin] = [Math.cos(street.angle), Math.sin(street.angle)];
      target[0] = 500_000 + street.east + along * cos - beside * sin;
      target[1] = 5_400_000 + street.north + along * sin + beside * cos;
      target[2] = 120 + 10 * Math.sin(street.east / 300) + 3 * normal();
      return NO_CLUSTER;
    };
  },
};

/** Seconds since 1970 beside features between 0 and 1. */
const timestamps: Shape = {
  name: 'timestamps',
  dimension: 16,
  open: (random) => (target) => {
    target[0] = 1.7e9 + 1e7 * random();
    for (let i = 1; i < target.length; i++) target[i] = random();
    return NO_CLUSTER;
  },
};

const constantDimensions: Shape = {
  name: 'constant-dimensions',
  dimension: DIMENSION,
  open: (random) => {
    const normal = normalSource(random);
    const constants = Float32Array.from({ length: CONSTANTS }, (_, i) => (i % 3 === 0 ? 0 : 100 * normal()));
    return (target) => {
      target.set(constants);
      for (let i = CONSTANTS; i < DIMENSION; i++) target[i] = normal();
      return NO_CLUSTER;
    };
  },
};

/** A surface of two dimensions that winds through 64, and a little noise. */
const surface: Shape = {
  name: 'surface-in-64',
  dimension: 64,
  open: (random) => {
    const normal = normalSource(random);
    const waves = Array.from(
      { length: 64 },
      () => [2 * normal(), 2 * normal(), 2 * Math.PI * random()] as const,
    );
    return (target) => {
      const [u, v] = [random(), random()];
      for (const [i, [a, b, phase]] of waves.entries()) {
        target[i] = Math.sin(a * u + b * v + phase) + 0.02 * normal();
      }
      return NO_CLUSTER;
    };
  },
};

/** Directions that are spread evenly, at lengths between 1 and 100, most of them short. */
const lengths: Shape = {
  name: 'unequal-lengths',
  dimension: DIMENSION,
  open: (random) => {
    const normal = normalSource(random);
    const draw: Draw = (target) => {
      let squared = 0;
      for (let i = 0; i < DIMENSION; i++) {
        target[i] = normal();
        squared += (target[i] as number) ** 2;
      }
      const length = Math.min(100, 1 / Math.sqrt(1 - random())) / Math.sqrt(squared);
      for (let i = 0; i < DIMENSION; i++) target[i] = length * (target[i] as number);
      return NO_CLUSTER;
    };
    return draw;
  },
};

export const SPREAD_SHAPES: Shape[] = [
  plain('gaussian', DIMENSION, (normal) => normal()),
  plain('offset-16000', DIMENSION, (normal) => 16_000 + normal()),
  utm,
  sized('one-outlier', (_normal, _random, at) => (at === OUTLIER_AT ? OUTLIER_TIMES : 1)),
  sized('few-outliers', (_normal, random, at) => (at % OUTLIER_EVERY === 13 ? 10 ** (3 + 3 * random()) : 1)),
  sized('log-normal-lengths', (normal) => Math.exp(2 * normal())),
  plain('unequal-dimensions', DIMENSION, (normal, i) => 10 ** (-3 + (6 * i) / (DIMENSION - 1)) * normal()),
  constantDimensions,
  timestamps,
  lengths,
  uniformCube,
  surface,
];
