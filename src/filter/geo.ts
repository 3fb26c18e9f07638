// Places on the globe. Runs on any thread.

import type { GeoBox, GeoPoint, GeoRadius } from '../contract/filter.js';

/** Mean radius (IUGG R1), metres. */
const EARTH_RADIUS_M = 6_371_008.8;
const RADIANS = Math.PI / 180;
const QUARTER_DEGREES = 90;
const HALF_DEGREES = 180;
/** About 10 m: far more than what rounding moves an edge by, even where longitudes lie close together. */
const EDGE_DEGREES = 1e-4;

/** The value as a place, where it is an object with a latitude and a longitude in degrees. */
export function placeOf(value: unknown): GeoPoint | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { lat, lon } = value as Record<string, unknown>;
  if (typeof lat !== 'number' || typeof lon !== 'number') return undefined;
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : undefined;
}

export function isInRadius({ center, radius }: GeoRadius, { lat, lon }: GeoPoint): boolean {
  return distanceM(center, { lat, lon }) <= radius;
}

export function isInBox({ top_left, bottom_right }: GeoBox, { lat, lon }: GeoPoint): boolean {
  if (lat > top_left.lat || lat < bottom_right.lat) return false;
  // The date line has two names.
  return (
    isBetween(lon, top_left.lon, bottom_right.lon) ||
    (Math.abs(lon) === 180 && isBetween(-lon, top_left.lon, bottom_right.lon))
  );
}

function isBetween(lon: number, west: number, east: number): boolean {
  return west <= east ? lon >= west && lon <= east : lon >= west || lon <= east;
}

/** A box with every place in the radius, and others: beyond its circle, and a narrow edge. It may cross the date line. */
export function boxAround({ center, radius }: GeoRadius): GeoBox {
  const angle = radius / EARTH_RADIUS_M;
  const reach = angle / RADIANS + EDGE_DEGREES;
  const north = Math.min(QUARTER_DEGREES, center.lat + reach);
  const south = Math.max(-QUARTER_DEGREES, center.lat - reach);
  // Around a pole are all longitudes; before it, the circle is widest where it touches a meridian.
  const hasPole = north === QUARTER_DEGREES || south === -QUARTER_DEGREES;
  const width = hasPole
    ? HALF_DEGREES
    : Math.asin(Math.sin(angle) / Math.cos(center.lat * RADIANS)) / RADIANS;
  const isAllAround = width + EDGE_DEGREES >= HALF_DEGREES;
  const west = isAllAround ? -HALF_DEGREES : wrapped(center.lon - width - EDGE_DEGREES);
  const east = isAllAround ? HALF_DEGREES : wrapped(center.lon + width + EDGE_DEGREES);
  return { top_left: { lat: north, lon: west }, bottom_right: { lat: south, lon: east } };
}

/** A longitude that is at most one turn off. */
function wrapped(lon: number): number {
  if (lon > HALF_DEGREES) return lon - 2 * HALF_DEGREES;
  return lon < -HALF_DEGREES ? lon + 2 * HALF_DEGREES : lon;
}

/** Along the great circle, by the haversine formula. */
function distanceM(a: GeoPoint, b: GeoPoint): number {
  const sinLat = Math.sin(((b.lat - a.lat) * RADIANS) / 2);
  const sinLon = Math.sin(((b.lon - a.lon) * RADIANS) / 2);
  const chord = sinLat ** 2 + Math.cos(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * sinLon ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(chord)));
}
