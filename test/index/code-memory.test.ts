// Codes in more than one memory: an index whose memories are made small finds what one with a single memory finds.

import t from 'tap';
import { divideCodes } from '../../src/index/code-memory.js';
import { layOut } from '../../src/index/memory-layout.js';
import { blockBytes, completeSettings, type Metric, type Quantizer } from '../../src/index/settings.js';
import { clustered, type Given, TestIndex } from './built.js';
import { assertValid } from './validity.js';

/** Holds the tree and some of the codes of the indexes below. */
const SMALL = 180_000;

function twoIndexes(
  given: Given,
  indexed: number,
  count: number,
  memoryBytesMax = SMALL,
): { one: TestIndex; many: TestIndex } {
  const vectors = clustered(count, given.dimension, 5);
  const one = new TestIndex(vectors, given, indexed);
  const many = new TestIndex(vectors, given, indexed, 'float32', memoryBytesMax);
  return { one, many };
}

t.test('leaves are shared out in their order, whole, to as few memories as hold them', async (t) => {
  const settings = completeSettings({ dimension: 12, metric: 'l2' });
  const sizes = Uint32Array.from({ length: 100 }, (_, i) => 1 + ((i * 37) % 90));
  const blocks = sizes.map((size) => Math.ceil(size / 32));
  const slots = sizes.reduce((sum, size) => sum + size, 0);
  const given = { slots, leaves: 100, levelCounts: [100, 2] };
  const whole = divideCodes(settings, given, { sizes, blocks }, 2 ** 32);
  t.same(whole.codeMemories, []);
  t.equal(
    whole.codeBlocks,
    blocks.reduce((sum, count) => sum + count, 0),
  );
  const fixed = layOut(settings, { ...whole, codeBlocks: 0 }).end;
  for (const max of [(4 / 3) * fixed + 20_000, 20_000, 1]) {
    const { codeBlocks, codeMemories } = divideCodes(settings, given, { sizes, blocks }, max);
    const all = [codeBlocks, ...codeMemories.map((memory) => memory.codeBlocks)];
    t.equal(
      all.reduce((sum, count) => sum + count, 0),
      whole.codeBlocks,
    );
    t.ok(fixed + codeBlocks * blockBytes(settings) <= Math.max(fixed, max), 'its own memory is not too full');
    // What each but the last holds leaves no room for its next leaf.
    let leaf = 0;
    all.slice(0, -1).forEach((held, i) => {
      for (let sum = 0; sum < held; ) sum += blocks[leaf++] as number;
      const share = i === 0 ? 0.75 * max - fixed : 0.875 * max;
      t.ok((held + (blocks[leaf] as number)) * blockBytes(settings) > share, `memory ${i} is filled`);
    });
    for (const memory of codeMemories) {
      const isSingleLeaf = memory.codeBlocks <= 3;
      t.ok(isSingleLeaf || memory.codeBlocks * blockBytes(settings) <= max, 'nor is another');
      t.ok(memory.slots > 0);
    }
  }
});

const CASES: { metric: Metric; quantizer: Quantizer; dimension: number }[] = [
  { metric: 'l2', quantizer: 'rabitq', dimension: 24 },
  { metric: 'cosine', quantizer: 'rabitq', dimension: 100 },
  { metric: 'dot', quantizer: 'rabitq', dimension: 300 },
  { metric: 'cosine', quantizer: 'sign', dimension: 100 },
];

for (const { metric, quantizer, dimension } of CASES) {
  t.test(
    `${metric}, ${quantizer}, ${dimension} dimensions: the same answers as from one memory`,
    async (t) => {
      const given = { dimension, metric, quantizer, maxLeafSize: 100 };
      const { one, many } = twoIndexes(given, 5000, 5400);
      t.equal(one.generation.codeMemories.length, 0);
      t.ok(many.generation.codeMemories.length >= 1, `${many.generation.codeMemories.length} more memories`);
      assertValid(t, many.generation, 100);
      one.encode();
      many.encode();
      const queries = clustered(60, dimension, 6);
      const compare = (what: string): void => {
        for (const probes of [1, 5, 20, 1000]) {
          // Hamming distances are often equal, and which of equal candidates are kept depends on the order of the scan.
          for (const rerankFactor of quantizer === 'sign' ? [540] : [2, 30]) {
            // One assertion for all queries: thousands would take longer than the searches.
            const answers = (index: TestIndex) =>
              queries.map((vector) => {
                const { rows, distances, stats } = index.search({ k: 10, probes, rerankFactor, vector });
                return { rows: [...rows], distances: [...distances], scanned: stats.vectorsScanned };
              });
            t.strictSame(answers(many), answers(one), `${what}: probes ${probes}, factor ${rerankFactor}`);
          }
        }
      };
      compare('whole');
      for (let row = 0; row < 5400; row += 3) {
        one.generation.markDead(one.positionOf(row));
        many.generation.markDead(many.positionOf(row));
      }
      compare('a third deleted');
      const parts = (index: TestIndex, vector: Float32Array): number[] =>
        [0, 1, 2].flatMap((part) => [
          ...index.search({ k: 10, probes: 20, vector }, { index: part, count: 3 }).rows,
        ]);
      const inParts = (index: TestIndex) => queries.map((vector) => parts(index, vector));
      t.strictSame(inParts(many), inParts(one), 'in parts');
    },
  );
}

t.test('a calibration measures the same', async (t) => {
  const { one, many } = twoIndexes(
    { dimension: 64, metric: 'cosine', maxLeafSize: 100 },
    2000,
    2000,
    120_000,
  );
  t.ok(many.generation.codeMemories.length >= 1);
  t.same(new Uint8Array(many.samples().buffer), new Uint8Array(one.samples().buffer));
});
