import t from 'tap';
import { exactly, indexed } from './indexed.js';

const BERLIN = { lat: 52.52, lon: 13.405 };
const PARIS = { lat: 48.857, lon: 2.352 };
const FIJI = { lat: -17.8, lon: 178 };
const SAMOA = { lat: -13.8, lon: -172 };
const PLACES = [BERLIN, PARIS, [FIJI, BERLIN], SAMOA, { lat: 95, lon: 0 }, 'Berlin', null];

t.test('places are found by their distance', async (t) => {
  const { ask } = indexed('geo', PLACES);
  t.strictSame(ask({ geo_radius: { center: BERLIN, radius: 1 } }), exactly(0, 2));
  t.strictSame(ask({ geo_radius: { center: BERLIN, radius: 900_000 } }), exactly(0, 1, 2));
  t.strictSame(
    ask({ geo_radius: { center: { lat: -16, lon: 180 }, radius: 1_000_000 } }),
    exactly(2, 3),
    'across the date line',
  );
  t.strictSame(ask({ geo_radius: { center: BERLIN, radius: 1e9 } }), exactly(0, 1, 2, 3));
});

t.test('places are found in boxes', async (t) => {
  const { ask } = indexed('geo', PLACES);
  const boxOf = (north: number, west: number, south: number, east: number) => ({
    geo_box: { top_left: { lat: north, lon: west }, bottom_right: { lat: south, lon: east } },
  });
  t.strictSame(ask(boxOf(60, 0, 50, 20)), exactly(0, 2));
  t.strictSame(ask(boxOf(0, 170, -20, -170)), exactly(2, 3), 'across the date line');
  t.strictSame(indexed('geo', [SAMOA]).ask(boxOf(0, 170, -20, -170)), exactly(0), 'on one side of it');
  t.strictSame(ask(boxOf(0, -170, -20, 170)), exactly());
  t.strictSame(ask(boxOf(52.52, 13.405, 52.52, 13.405)), exactly(0, 2), 'edges belong to it');
  t.strictSame(ask({ match: { value: BERLIN.lat } }), { rows: [4, 5], isExact: false, unindexedKeys: ['k'] });
});
