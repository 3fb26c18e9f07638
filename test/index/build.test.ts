import t from 'tap';
import { clustered, type Given, TestIndex } from './built.js';
import { assertValid } from './validity.js';

const small: Omit<Given, 'dimension'> = { metric: 'l2', maxLeafSize: 50, branchingFactor: 8 };

t.test('a build puts every vector into one leaf, none larger than allowed', async (t) => {
  for (const dimension of [2, 3, 7, 8, 31, 33, 100, 130]) {
    const vectors = clustered(1200, dimension, dimension);
    const { generation } = new TestIndex(vectors, { ...small, dimension });
    assertValid(t, generation, 50);
    t.ok(generation.leaves >= 24, `${dimension} dimensions: ${generation.leaves} leaves`);
  }
});

t.test('every quantizer and number of bits gives a valid generation', async (t) => {
  const vectors = clustered(700, 20, 5);
  for (const bits of [1, 2, 4] as const) {
    assertValid(t, new TestIndex(vectors, { ...small, dimension: 20, bits }).generation, 50);
  }
  assertValid(t, new TestIndex(vectors, { ...small, dimension: 20, quantizer: 'sign' }).generation, 50);
});

t.test('one vector makes one leaf', async (t) => {
  const index = new TestIndex(clustered(1, 5, 1), { ...small, dimension: 5 });
  assertValid(t, index.generation, 50);
  t.equal(index.generation.leaves, 1);
  t.same([...index.search({ vector: index.vectorAt(0) }).rows], [0]);
});

t.test('vectors that are all alike are shared out evenly', async (t) => {
  const same = Float32Array.from([1, 2, 3, 4]);
  const vectors = Array.from({ length: 1000 }, () => same);
  for (const metric of ['l2', 'cosine', 'dot'] as const) {
    const index = new TestIndex(vectors, { ...small, metric, dimension: 4 });
    assertValid(t, index.generation, 50);
    t.equal(index.search({ vector: same, k: 3 }).distances.length >= 3, true);
  }
});

t.test('zero vectors can be indexed where the metric allows them', async (t) => {
  const vectors = [...clustered(300, 6, 2), ...Array.from({ length: 80 }, () => new Float32Array(6))];
  for (const metric of ['l2', 'dot'] as const) {
    assertValid(t, new TestIndex(vectors, { ...small, metric, dimension: 6 }).generation, 50);
  }
});

t.test('a narrow branching factor makes a deep tree', async (t) => {
  const vectors = clustered(3000, 16, 9);
  const { generation } = new TestIndex(vectors, {
    ...small,
    dimension: 16,
    branchingFactor: 2,
    maxLeafSize: 16,
  });
  assertValid(t, generation, 16);
  t.ok(generation.layout.levels.length > 5, `${generation.layout.levels.length} levels`);
});

t.test('the same vectors give the same index', async (t) => {
  const vectors = clustered(900, 12, 3);
  const [a, b] = [0, 1].map(() => new TestIndex(vectors, { ...small, dimension: 12 }).generation);
  if (a === undefined || b === undefined) return t.fail();
  t.equal(a.layout.fileBytes, b.layout.fileBytes);
  t.ok(
    Buffer.from(a.bytes(64, a.layout.fileBytes - 64)).equals(
      Buffer.from(b.bytes(64, b.layout.fileBytes - 64)),
    ),
  );
});

t.test('a vector that no insert lets in ends the build, before it spoils the others', async (t) => {
  for (const metric of ['l2', 'cosine', 'dot'] as const) {
    for (const damaged of [Number.NaN, Number.POSITIVE_INFINITY, 3e20]) {
      const vectors = clustered(500, 8, 3);
      (vectors[321] as Float32Array)[5] = damaged;
      t.throws(() => new TestIndex(vectors, { ...small, metric, dimension: 8 }), {
        code: 'storage_corrupt',
        fields: { reason: /position 321 has the squared length/ },
      });
    }
  }
});
