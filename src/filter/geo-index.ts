// The payload index of type geo: places by row, as a column of latitudes and one of longitudes. Runs on any thread.

import type { FilterCondition, GeoBox, GeoPoint } from '../contract/filter.js';
import type { Answer } from './answer.js';
import { CHUNK_ROWS, type Chunk, Column } from './column.js';
import { boxAround, isInBox, isInRadius, placeOf } from './geo.js';
import { KeyIndex } from './key-index.js';
import { RowSet } from './row-set.js';

const DATE_LINE = 180;

type PlaceTest = (lat: number, lon: number) => boolean;

export class GeoIndex extends KeyIndex<GeoPoint> {
  /** Both have the same rows, and in each row the same number of values. */
  readonly #lats = new Column();
  readonly #lons = new Column();

  constructor() {
    super('object', true);
  }

  override answer(condition: FilterCondition): Answer {
    const { geo_radius, geo_box } = condition;
    if (geo_box !== undefined) {
      return { rows: this.#rowsWith(geo_box, (lat, lon) => isInBox(geo_box, { lat, lon })), isExact: true };
    }
    if (geo_radius === undefined) return this.answerByKind(condition);
    const box = boxAround(geo_radius);
    // The distance takes trigonometry; few places of a chunk that the box touches are in it.
    const isIn: PlaceTest = (lat, lon) => isInBox(box, { lat, lon }) && isInRadius(geo_radius, { lat, lon });
    return { rows: this.#rowsWith(box, isIn), isExact: true };
  }

  protected override typedOf(value: NonNullable<unknown>): GeoPoint | undefined {
    return placeOf(value);
  }

  protected override addTyped(row: number, places: readonly GeoPoint[]): void {
    this.#lats.set(
      row,
      places.map(({ lat }) => lat),
    );
    this.#lons.set(
      row,
      places.map(({ lon }) => lon),
    );
  }

  protected override removeTyped(row: number): void {
    this.#lats.clear(row);
    this.#lons.clear(row);
  }

  protected override get typedBytes(): number {
    return this.#lats.bytes + this.#lons.bytes;
  }

  protected override disposeTyped(): void {
    // The columns are garbage with the index.
  }

  /** Rows with a place that passes; all such places are in the box. */
  #rowsWith(box: GeoBox, test: PlaceTest): RowSet {
    const rows = new RowSet();
    const found = new Uint32Array(CHUNK_ROWS);
    for (const lats of this.#lats.chunks()) {
      const lons = this.#lons.chunkAt(lats.start);
      if (lons !== undefined && touches(box, lats, lons)) addPassing(lats, lons, { box, test, found, rows });
    }
    return rows;
  }
}

/** Whether the box that the chunk's places span has a place in common with `box`, which may cross the date line. */
function touches({ top_left, bottom_right }: GeoBox, lats: Chunk, lons: Chunk): boolean {
  if (lats.min > top_left.lat || lats.max < bottom_right.lat) return false;
  // At the date line a place may have the other name.
  if (Math.abs(top_left.lon) === DATE_LINE || Math.abs(bottom_right.lon) === DATE_LINE) return true;
  const isEast = lons.max >= top_left.lon;
  const isWest = lons.min <= bottom_right.lon;
  return top_left.lon <= bottom_right.lon ? isEast && isWest : isEast || isWest;
}

interface Pass {
  box: GeoBox;
  test: PlaceTest;
  /** Has room for the rows of a chunk. */
  found: Uint32Array;
  rows: RowSet;
}

function addPassing(lats: Chunk, lons: Chunk, { box, test, found, rows }: Pass): void {
  const north = box.top_left.lat;
  const south = box.bottom_right.lat;
  let count = 0;
  for (let at = 0; at < CHUNK_ROWS; at++) {
    const lat = lats.first[at] as number;
    // The bounds spare most calls, and keep out NaN, which stands for no place.
    if (lat <= north && lat >= south && test(lat, lons.first[at] as number)) found[count++] = lats.start + at;
  }
  if (count > 0) rows.addMany(found.subarray(0, count));
  for (const [at, further] of lats.further) {
    const others = lons.further.get(at) ?? [];
    if (further.some((lat, index) => test(lat, others[index] as number))) rows.add(lats.start + at);
  }
}
