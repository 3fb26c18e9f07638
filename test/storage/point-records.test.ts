import t from 'tap';
import {
  decodePoint,
  decodeRowId,
  decodeTombstone,
  encodeChanges,
  type PointRecord,
} from '../../src/storage/point-records.js';

const STEP = 10;

/** The result, and in how many steps it was made. */
function encodeInSteps(changes: Parameters<typeof encodeChanges>[0]) {
  const steps = encodeChanges(changes, STEP);
  let count = 0;
  for (;;) {
    const step = steps.next();
    if (step.done) return { encoded: step.value, steps: count };
    count++;
  }
}

function pointsOf(count: number): PointRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    id: index % 2 ? index : `näme ${index}`,
    row: 7 * index,
    vectorChecksum: 0xffff_0000 + index,
    payload: index % 3 ? new TextEncoder().encode(`{"place":${index}}`) : null,
  }));
}

t.test('what a commit puts and removes is encoded in steps of few points', async (t) => {
  const put = pointsOf(45);
  const removeRows = Array.from({ length: 33 }, (_, index) => 1000 + index);
  const removeKeys = Array.from({ length: 21 }, (_, index) => `gone ${index}`);
  const { encoded, steps } = encodeInSteps({ put, removeRows, removeKeys });
  t.ok(steps >= 45 / STEP + 33 / STEP + 2, `${steps} steps`);
  for (const [index, point] of put.entries()) {
    const key = new TextDecoder().decode(encoded.keys[index]);
    t.equal(key, String(point.id));
    t.same(decodePoint(key, encoded.points[index] as Uint8Array), point);
    t.equal(decodeRowId(point.row, encoded.rowIds[index] as Uint8Array), point.id);
  }
  t.ok(removeRows.every((row, index) => decodeTombstone(row, encoded.tombstones[index] as Uint8Array)));
  t.strictSame(
    encoded.removedKeys.map((key) => new TextDecoder().decode(key)),
    removeKeys,
  );
});

t.test('an id that is too long and a row that is none are refused before anything is written', async (t) => {
  const [point] = pointsOf(1) as [PointRecord];
  for (const bad of [{ id: 'x'.repeat(257) }, { id: '' }, { row: -1 }, { row: 2 ** 32 }]) {
    t.throws(() => encodeInSteps({ put: [{ ...point, ...bad }], removeRows: [], removeKeys: [] }), {
      code: 'ERR_ASSERTION',
    });
  }
});
