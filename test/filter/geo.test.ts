import t from 'tap';
import { isInBox, isInRadius, placeOf } from '../../src/filter/geo.js';

const at = (lat: number, lon: number) => ({ lat, lon });
const box = (north: number, west: number, south: number, east: number) => ({
  top_left: at(north, west),
  bottom_right: at(south, east),
});

t.test('a place is an object with a latitude and a longitude in degrees', async (t) => {
  t.strictSame(placeOf({ lat: -90, lon: 180, name: 'x' }), at(-90, 180));
  for (const value of [
    null,
    5,
    'x',
    {},
    { lat: 1 },
    { lat: '1', lon: 1 },
    { lat: 1, lon: null },
    { lat: 90.01, lon: 0 },
    { lat: 0, lon: -180.01 },
    { lat: Number.NaN, lon: 0 },
    { lat: [1], lon: [1] },
  ]) {
    t.equal(placeOf(value), undefined, JSON.stringify(value));
  }
});

t.test('distances are those of known places', async (t) => {
  const berlin = at(52.52, 13.405);
  // Berlin to Paris are 877.46 km on a sphere of the mean radius.
  t.ok(isInRadius({ center: berlin, radius: 878_000 }, at(48.8566, 2.3522)));
  t.notOk(isInRadius({ center: berlin, radius: 877_000 }, at(48.8566, 2.3522)));
  t.ok(isInRadius({ center: berlin, radius: 1e-9 }, berlin), 'the centre itself');
});

t.test('circles go over the date line and the poles', async (t) => {
  t.ok(isInRadius({ center: at(0, 179.999), radius: 250 }, at(0, -179.999)));
  t.notOk(isInRadius({ center: at(0, 179.999), radius: 220 }, at(0, -179.999)));
  t.ok(isInRadius({ center: at(89.999, 0), radius: 250 }, at(89.999, 180)));
  t.ok(isInRadius({ center: at(90, 0), radius: 1e-3 }, at(90, 123)), 'a pole has all longitudes');
  const half = Math.PI * 6_371_008.8;
  t.ok(isInRadius({ center: at(10, 20), radius: half + 1 }, at(-10, -160)), 'the antipode');
  t.notOk(isInRadius({ center: at(10, 20), radius: half - 10 }, at(-10, -160)));
});

t.test('a box holds its edges', async (t) => {
  const edges = box(10, -20, -5, 30);
  for (const [lat, lon] of [
    [10, -20],
    [-5, 30],
    [0, 0],
    [10, 30],
  ] as const) {
    t.ok(isInBox(edges, at(lat, lon)));
  }
  for (const [lat, lon] of [
    [10.001, 0],
    [-5.001, 0],
    [0, -20.001],
    [0, 30.001],
  ] as const) {
    t.notOk(isInBox(edges, at(lat, lon)));
  }
  t.ok(isInBox(box(5, 6, 5, 6), at(5, 6)), 'a box of one place');
});

t.test('a box from 170 to -170 crosses the date line, one from -170 to 170 does not', async (t) => {
  for (const lon of [170, 175, 180, -180, -175, -170]) {
    t.ok(isInBox(box(1, 170, -1, -170), at(0, lon)), `${lon}`);
  }
  for (const lon of [0, 169.9, -169.9]) t.notOk(isInBox(box(1, 170, -1, -170), at(0, lon)), `${lon}`);
  for (const lon of [-170, 0, 170]) t.ok(isInBox(box(1, -170, -1, 170), at(0, lon)), `${lon}`);
  for (const lon of [-175, 180, -180]) t.notOk(isInBox(box(1, -170, -1, 170), at(0, lon)), `${lon}`);
});

t.test('the date line is 180 and -180', async (t) => {
  for (const lon of [180, -180]) {
    t.ok(isInBox(box(1, 170, -1, 180), at(0, lon)));
    t.ok(isInBox(box(1, -180, -1, -170), at(0, lon)));
    t.ok(isInBox(box(1, 180, -1, 180), at(0, lon)));
    t.ok(isInBox(box(1, 180, -1, -180), at(0, lon)));
  }
  t.notOk(isInBox(box(1, 180, -1, -180), at(0, 0)));
  t.ok(isInBox(box(90, -180, -90, 180), at(-90, 12)), 'the whole globe');
});
