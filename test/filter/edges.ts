// Places so near to the edge of a circle that two ways to calculate a distance may differ about them.

import { type Filter, type FilterCondition, type GeoPoint, membersOf } from '../../src/contract/filter.js';

const EARTH_RADIUS_M = 6_371_008.8;

/** Whether a place lies within a metre of the edge of a circle, where rounding may put it on either side. */
export function isNearAnEdge(filter: Filter, payload: unknown): boolean {
  const circles = conditionsOf(filter).flatMap(({ geo_radius }) => geo_radius ?? []);
  return circles.some(({ center, radius }) =>
    placesIn(payload).some((place) => Math.abs(distanceM(center, place) - radius) < 1),
  );
}

function conditionsOf(group: Filter): FilterCondition[] {
  return membersOf(group).flatMap((condition) => [condition, ...conditionsOf(condition)]);
}

function placesIn(value: unknown): GeoPoint[] {
  if (typeof value !== 'object' || value === null) return [];
  const { lat, lon } = value as Partial<GeoPoint>;
  const own = typeof lat === 'number' && typeof lon === 'number' ? [{ lat, lon }] : [];
  return [...own, ...Object.values(value).flatMap(placesIn)];
}

/** By the chord between two points of the unit sphere. */
function distanceM(a: GeoPoint, b: GeoPoint): number {
  const [from, to] = [pointOnSphere(a), pointOnSphere(b)];
  const chord = Math.hypot(...from.map((value, at) => value - (to[at] as number)));
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, chord / 2));
}

function pointOnSphere({ lat, lon }: GeoPoint): number[] {
  const [phi, lambda] = [(lat * Math.PI) / 180, (lon * Math.PI) / 180];
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}
