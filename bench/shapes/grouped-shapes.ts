// Shapes of clusters, copies and whole numbers.

import { block, type Draw, NO_CLUSTER, normalSource, pickShare, QUERY, type Shape } from './shape.js';

const DIMENSION = 32;
const APART = 12;
/** Sizes of clusters, as deviations of each number; their centres lie this many times as far apart as the largest is wide. */
const SIZE_MIN = 0.3;
const SIZE_MAX = 3;
const APART_TIMES = 10;
const OVERLAPPING = 24;
const COPY_GROUPS = 400;
const COPY_ERROR = 1e-3;
const PROTOTYPES = 600;
const WORDS = 64;
const WORD_SHARE = 0.05;
const CATEGORIES = 8;
const PIXELS = 48;
const PIXEL_MAX = 65_535;

/** Clusters of unequal sizes and numbers, far from each other. */
const clustersApart: Shape = {
  name: 'clusters-apart',
  dimension: DIMENSION,
  open: (random) => {
    const normal = normalSource(random);
    const sizes = Array.from(
      { length: APART },
      (_, i) => SIZE_MIN * (SIZE_MAX / SIZE_MIN) ** (i / (APART - 1)),
    );
    const shares = Array.from({ length: APART }, (_, i) => 1 / (1 + ((i * 5) % APART)));
    const centres = block(APART, DIMENSION, () => APART_TIMES * SIZE_MAX * normal());
    return (target) => {
      const cluster = pickShare(shares, random());
      for (let i = 0; i < DIMENSION; i++) {
        target[i] = (centres[cluster * DIMENSION + i] as number) + (sizes[cluster] as number) * normal();
      }
      return cluster;
    };
  },
};

/** As embeddings lie: clusters that run into each other, and lengths that differ. */
const clustersOverlapping: Shape = {
  name: 'clusters-overlapping',
  dimension: 48,
  open: (random) => {
    const normal = normalSource(random);
    const centres = block(OVERLAPPING, 48, normal);
    return (target) => {
      const cluster = Math.floor(random() * OVERLAPPING);
      const length = 0.5 + random();
      for (let i = 0; i < 48; i++) {
        target[i] = length * ((centres[cluster * 48 + i] as number) + 0.7 * normal());
      }
      return cluster;
    };
  },
};

/** Groups of copies that differ by a thousandth. */
const nearDuplicates: Shape = {
  name: 'near-duplicates',
  dimension: DIMENSION,
  open: (random) => {
    const normal = normalSource(random);
    const originals = block(COPY_GROUPS, DIMENSION, normal);
    return (target) => {
      const group = Math.floor(random() * COPY_GROUPS);
      for (let i = 0; i < DIMENSION; i++) {
        target[i] = (originals[group * DIMENSION + i] as number) * (1 + COPY_ERROR * normal());
      }
      return NO_CLUSTER;
    };
  },
};

/** Each vector is there about ten times; queries lie beside them. */
const duplicates: Shape = {
  name: 'exact-duplicates',
  dimension: 24,
  open: (random) => {
    const normal = normalSource(random);
    const prototypes = block(PROTOTYPES, 24, normal);
    return (target, at) => {
      const first = Math.floor(random() * PROTOTYPES) * 24;
      for (let i = 0; i < 24; i++) {
        target[i] = (prototypes[first + i] as number) + (at === QUERY ? 0.3 * normal() : 0);
      }
      return NO_CLUSTER;
    };
  },
};

/** Few words of many, the common ones with small weights; never none. */
const sparse: Shape = {
  name: 'sparse',
  dimension: WORDS,
  open: (random) => {
    const shares = Array.from({ length: WORDS }, (_, i) => 1 / (i + 1));
    return (target) => {
      const words = 1 + Math.floor(2 * (WORDS * WORD_SHARE - 0.5) * random());
      for (let n = 0; n < words; n++) {
        const word = pickShare(shares, random());
        target[word] = (target[word] as number) + Math.log(2 + word) * (0.5 + random());
      }
      return NO_CLUSTER;
    };
  },
};

/** A category as one 1 among zeros, beside marks from 0 to 9. */
const oneHot: Shape = {
  name: 'one-hot-and-marks',
  dimension: 24,
  open: (random) => (target) => {
    const category = Math.floor(random() * CATEGORIES);
    target[category] = 1;
    for (let i = CATEGORIES; i < 24; i++) target[i] = Math.floor(10 * random());
    return NO_CLUSTER;
  },
};

/** Whole numbers of 16 bits that three hidden ones decide. */
const pixels: Shape = {
  name: 'pixels-16-bit',
  dimension: PIXELS,
  open: (random) => {
    const normal = normalSource(random);
    const waves = block(PIXELS, 3, () => 2 * normal());
    const phases = block(PIXELS, 1, () => 2 * Math.PI * random());
    const draw: Draw = (target) => {
      const hidden = [random(), random(), random()] as const;
      for (let i = 0; i < PIXELS; i++) {
        let phase = (phases[i] as number) + 0.01 * normal();
        for (const [j, value] of hidden.entries()) phase += (waves[3 * i + j] as number) * value;
        target[i] = Math.round((PIXEL_MAX / 2) * (1 + Math.sin(phase)));
      }
      return NO_CLUSTER;
    };
    return draw;
  },
};

export const GROUPED_SHAPES: Shape[] = [
  clustersApart,
  clustersOverlapping,
  nearDuplicates,
  duplicates,
  sparse,
  oneHot,
  pixels,
];
