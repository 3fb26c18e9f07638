import fc from 'fast-check';
import t from 'tap';
import { boxAround, isInBox, isInRadius } from '../../src/filter/geo.js';

const METRES_MAX = 21_000_000;
/** Of an earth of 6,371 km. */
const METRES_A_DEGREE = 111_195;

const lat = fc.oneof(fc.double({ min: -90, max: 90, noNaN: true }), fc.constantFrom(-90, 90, 0, 89.9999));
const lon = fc.oneof(fc.double({ min: -180, max: 180, noNaN: true }), fc.constantFrom(-180, 180, 0));
const place = fc.record({ lat, lon });
const radius = fc.oneof(
  fc.double({ min: 0.001, max: 1000, noNaN: true }),
  fc.double({ min: 0.001, max: METRES_MAX, noNaN: true }),
);

t.test('the box around a circle has every place in it, on its edge above all', async (t) => {
  const bearing = fc.double({ min: 0, max: 2 * Math.PI, noNaN: true });
  const share = fc.oneof(fc.constant(1), fc.double({ min: 0.9, max: 1, noNaN: true }));
  let inside = 0;
  fc.assert(
    fc.property(place, radius, bearing, share, place, (center, radius, bearing, share, any) => {
      const circle = { center, radius };
      const box = boxAround(circle);
      for (const one of [any, at(center, (radius * share) / METRES_A_DEGREE, bearing)]) {
        if (!isInRadius(circle, one)) continue;
        inside++;
        if (!isInBox(box, one)) throw new Error(`${JSON.stringify({ circle, one, box })}`);
      }
    }),
    { numRuns: 20_000, verbose: true },
  );
  t.ok(inside > 5000, `${inside} places were in their circle`);
});

t.test('the box around a small circle is small', async (t) => {
  const { top_left, bottom_right } = boxAround({ center: { lat: 60, lon: 179.95 }, radius: 11_119.5 });
  t.ok(Math.abs(top_left.lat - 60.1) < 0.01);
  t.ok(Math.abs(bottom_right.lat - 59.9) < 0.01);
  t.ok(Math.abs(top_left.lon - 179.75) < 0.01);
  t.ok(Math.abs(bottom_right.lon + 179.85) < 0.01, 'across the date line');
});

/** The place so many degrees from `from` along a great circle. */
function at(from: { lat: number; lon: number }, degrees: number, bearing: number): typeof from {
  const radians = Math.PI / 180;
  const [latitude, angle] = [from.lat * radians, degrees * radians];
  const sine =
    Math.sin(latitude) * Math.cos(angle) + Math.cos(latitude) * Math.sin(angle) * Math.cos(bearing);
  const turn = Math.atan2(
    Math.sin(bearing) * Math.sin(angle) * Math.cos(latitude),
    Math.cos(angle) - Math.sin(latitude) * sine,
  );
  const lon = from.lon + turn / radians;
  return {
    lat: Math.asin(Math.max(-1, Math.min(1, sine))) / radians,
    lon: lon > 180 ? lon - 360 : lon < -180 ? lon + 360 : lon,
  };
}
