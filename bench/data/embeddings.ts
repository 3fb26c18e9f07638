// Made-up vectors with the shape of text embeddings: a common direction, nested topics of very unequal sizes, few
// dimensions that matter in each place, and noise in all. Row i is a function of the seed and i alone.

import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../../src/index/random.js';
import type { Matrix } from './split.js';
import { VectorFile } from './vector-rows.js';

export const EMBEDDING_DIMENSION = 768;

/** Part of the file's name: another recipe is another file. */
const RECIPE = 'v1';
const CACHE = '.cache';
/** Directions that topics are made of. */
const FEATURES = 512;
const TOPICS = 48;
const SUBTOPICS = 24;
const THEMES = 24;
/** Features that tell the themes of one subtopic apart, and those a theme varies in: a multiple of four. */
const SUBTOPIC_FEATURES = 64;
const THEME_FEATURES = 40;
/** Sizes of siblings: the r-th has a share of 1 / (r + 1) ** ZIPF. */
const ZIPF = 0.9;
/** The r-th feature of a theme varies by 1 / (r + 1) ** DECAY. */
const DECAY = 0.35;
/** Squared lengths of the parts; their sum is 1. */
const ENERGY = { common: 0.3, topic: 0.13, subtopic: 0.12, theme: 0.09, within: 0.24, noise: 0.12 };

const POOL = 2 ** 20;
/** Queries are rows that no base reaches. */
const FIRST_QUERY = 2 ** 31;
const BLOCK_ROWS = 1024;

export class EmbeddingSource {
  readonly #seed: number;
  readonly #gaussians: Float32Array;
  readonly #features: Float32Array;
  /** Common direction + topic + subtopic, by subtopic. */
  readonly #centres: Float32Array;
  readonly #themeFeatures: Uint16Array;
  readonly #themeMeans: Float32Array;
  readonly #topicShares = zipfShares(TOPICS);
  readonly #subtopicShares = zipfShares(SUBTOPICS);
  readonly #themeShares = zipfShares(THEMES);
  readonly #spreads: Float32Array;

  constructor(seed: number) {
    this.#seed = seed;
    const random = seededRandom(seed);
    this.#gaussians = gaussianPool(random);
    this.#features = unitRows(random, FEATURES);
    const subtopics = TOPICS * SUBTOPICS;
    this.#centres = new Float32Array(subtopics * EMBEDDING_DIMENSION);
    this.#themeFeatures = new Uint16Array(subtopics * THEMES * THEME_FEATURES);
    this.#themeMeans = new Float32Array(subtopics * THEMES * THEME_FEATURES);
    this.#spreads = decay(THEME_FEATURES, DECAY, Math.sqrt(ENERGY.within));
    this.#drawTopics(random);
  }

  #drawTopics(random: () => number): void {
    const common = unitRows(random, 1);
    const topics = unitRows(random, TOPICS);
    for (let subtopic = 0; subtopic < TOPICS * SUBTOPICS; subtopic++) {
      const own = unitRows(random, 1);
      const topic = Math.floor(subtopic / SUBTOPICS) * EMBEDDING_DIMENSION;
      const at = subtopic * EMBEDDING_DIMENSION;
      for (let i = 0; i < EMBEDDING_DIMENSION; i++) {
        this.#centres[at + i] =
          Math.sqrt(ENERGY.common) * (common[i] as number) +
          Math.sqrt(ENERGY.topic) * (topics[topic + i] as number) +
          Math.sqrt(ENERGY.subtopic) * (own[i] as number);
      }
      const pool = distinct(random, FEATURES, SUBTOPIC_FEATURES);
      for (let theme = 0; theme < THEMES; theme++) {
        const first = (subtopic * THEMES + theme) * THEME_FEATURES;
        const chosen = distinct(random, SUBTOPIC_FEATURES, THEME_FEATURES);
        const scale = Math.sqrt(ENERGY.theme / THEME_FEATURES);
        for (let f = 0; f < THEME_FEATURES; f++) {
          this.#themeFeatures[first + f] = pool[chosen[f] as number] as number;
          this.#themeMeans[first + f] = scale * this.#gaussian(random);
        }
      }
    }
  }

  #gaussian(random: () => number): number {
    return this.#gaussians[Math.floor(random() * POOL)] as number;
  }

  /** Writes row `number`, of unit length. */
  write(number: number, target: Float32Array): void {
    const random = seededRandom(Math.imul(this.#seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
    const topic = pick(this.#topicShares, random());
    const subtopic = topic * SUBTOPICS + pick(this.#subtopicShares, random());
    const theme = (subtopic * THEMES + pick(this.#themeShares, random())) * THEME_FEATURES;
    const gaussians = this.#gaussians;
    const features = this.#features;
    const centres = this.#centres;
    const a = Math.floor(random() * (POOL - EMBEDDING_DIMENSION));
    const b = Math.floor(random() * (POOL - EMBEDDING_DIMENSION));
    const noise = Math.sqrt(ENERGY.noise / (2 * EMBEDDING_DIMENSION));
    const centre = subtopic * EMBEDDING_DIMENSION;
    for (let i = 0; i < EMBEDDING_DIMENSION; i++) {
      const shake = noise * ((gaussians[a + i] as number) + (gaussians[b + i] as number));
      target[i] = (centres[centre + i] as number) + shake;
    }
    for (let f = 0; f < THEME_FEATURES; f += 4) {
      const amount = (g: number): number =>
        (this.#themeMeans[theme + g] as number) + (this.#spreads[g] as number) * this.#gaussian(random);
      const at = (g: number): number => (this.#themeFeatures[theme + g] as number) * EMBEDDING_DIMENSION;
      const [wa, wb, wc, wd] = [amount(f), amount(f + 1), amount(f + 2), amount(f + 3)];
      const [fa, fb, fc, fd] = [at(f), at(f + 1), at(f + 2), at(f + 3)];
      for (let i = 0; i < EMBEDDING_DIMENSION; i++) {
        target[i] =
          (target[i] as number) +
          wa * (features[fa + i] as number) +
          wb * (features[fb + i] as number) +
          wc * (features[fc + i] as number) +
          wd * (features[fd + i] as number);
      }
    }
    scaleToUnit(target);
  }

  /** Rows [first, first + count). */
  rows(first: number, count: number): Float32Array {
    const values = new Float32Array(count * EMBEDDING_DIMENSION);
    for (let i = 0; i < count; i++) {
      this.write(first + i, values.subarray(i * EMBEDDING_DIMENSION, (i + 1) * EMBEDDING_DIMENSION));
    }
    return values;
  }

  /** Of the same distribution, and among no base. */
  queries(count: number): Matrix {
    return { count, dimension: EMBEDDING_DIMENSION, values: this.rows(FIRST_QUERY, count) };
  }
}

export interface Embeddings {
  base: VectorFile;
  queries: Matrix;
}

/** Made on the first use: `count` rows in a file in .cache, a block at a time, and held-out queries. */
export async function loadEmbeddings(
  { count, queries, seed = 1 }: { count: number; queries: number; seed?: number },
  say: (text: string) => void = () => {},
): Promise<Embeddings> {
  const source = new EmbeddingSource(seed);
  const path = join(CACHE, `embeddings-${RECIPE}-seed-${seed}-${count}x${EMBEDDING_DIMENSION}.f32`);
  if (!existsSync(path)) {
    say(`making ${count} x ${EMBEDDING_DIMENSION} vectors in ${path}`);
    mkdirSync(CACHE, { recursive: true });
    const file = await open(`${path}.part`, 'w');
    for (let first = 0; first < count; first += BLOCK_ROWS) {
      await file.write(new Uint8Array(source.rows(first, Math.min(BLOCK_ROWS, count - first)).buffer));
    }
    await file.close();
    renameSync(`${path}.part`, path);
  }
  return { base: new VectorFile(path, EMBEDDING_DIMENSION), queries: source.queries(queries) };
}

/** Standard normal numbers, by Box and Muller. */
function gaussianPool(random: () => number): Float32Array {
  return Float32Array.from({ length: POOL }, () => {
    return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  });
}

function unitRows(random: () => number, count: number): Float32Array {
  const values = new Float32Array(count * EMBEDDING_DIMENSION);
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  }
  for (let i = 0; i < count; i++) {
    scaleToUnit(values.subarray(i * EMBEDDING_DIMENSION, (i + 1) * EMBEDDING_DIMENSION));
  }
  return values;
}

function scaleToUnit(vector: Float32Array): void {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) ** 2;
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * scale;
}

/** Cumulative shares of siblings. */
function zipfShares(count: number): number[] {
  const shares = Array.from({ length: count }, (_, rank) => 1 / (rank + 1) ** ZIPF);
  const total = shares.reduce((sum, share) => sum + share, 0);
  let sum = 0;
  return shares.map((share) => (sum += share / total));
}

function pick(shares: number[], at: number): number {
  const found = shares.findIndex((share) => at < share);
  return found < 0 ? shares.length - 1 : found;
}

/** 1 / (r + 1) ** power, scaled to a sum of squares of `length` squared. */
function decay(count: number, power: number, length: number): Float32Array {
  const values = Float32Array.from({ length: count }, (_, rank) => 1 / (rank + 1) ** power);
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return values.map((value) => (value * length) / norm);
}

function distinct(random: () => number, limit: number, count: number): number[] {
  const numbers = Array.from({ length: limit }, (_, number) => number);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (limit - i));
    [numbers[i], numbers[j]] = [numbers[j] as number, numbers[i] as number];
  }
  return numbers.slice(0, count);
}
