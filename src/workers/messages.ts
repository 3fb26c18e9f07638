// What crosses the thread boundary: the messages of all pools, used by both sides.

import type { ArrowBatch } from '../contract/arrow-points.js';
import type { Filter } from '../contract/filter.js';
import type { PayloadIndexType } from '../contract/payload-index.js';
import type { PointShape } from '../contract/point-batch.js';
import type { PointId } from '../contract/points.js';
import type { ErrorData } from '../errors.js';
import type { ArenaShape } from '../index/build/arena.js';
import type { Blueprint } from '../index/build/blueprint.js';
import type { SampleShape } from '../index/calibrate/samples.js';
import type { Query, QueryPart } from '../index/query.js';
import type { RowSlotsTables } from '../index/row-slots.js';
import type { IndexSettings } from '../index/settings.js';
import type { RowTable } from '../storage/row-table.js';
import type { VectorsDescriptor } from '../storage/vectors.js';

/** One state of a collection that searches run on. Plain data and shared memory: posting it copies a few hundred bytes. */
export interface SearchView {
  /** Unique per content: workers keep what they have opened under it. */
  key: string;
  /** The same for all views of one generation: a thread's scratch area serves them all, one after another, too. */
  generationKey: string;
  /** Of the generation: its own, then those with more codes. */
  memories: WebAssembly.Memory[];
  slots: number;
  rowBase: number;
  settings: IndexSettings;
  /** Appended vectors, by row. */
  vectors: VectorsDescriptor;
  /** The generation's vectors, by slot. */
  leafVectors: VectorsDescriptor | null;
  slotRows: RowTable;
}

/**
 * Tasks name their view by key; the view itself comes along only when a worker has answered `view_unknown`:
 * posting it costs as much as a short search.
 */
export type SearchTask = { viewKey: string; view: SearchView | undefined } & (
  | { kind: 'search'; queries: Query[]; part: QueryPart }
  | { kind: 'encode' }
);

/** Broadcast: the view will not be searched again. */
export interface ReleaseMessage {
  viewKey: string;
  /** Set when it was the last view of its generation. */
  generationKey: string | undefined;
}

/** What every thread of a build works on. */
export interface BuildShare {
  threadIndex: number;
  source: SearchView;
  settings: IndexSettings;
  shape: ArenaShape;
  arena: WebAssembly.Memory;
  /** u32 per point: its position in the source. */
  positions: SharedArrayBuffer;
  control: SharedArrayBuffer;
}

export type BuildTask =
  | { kind: 'list'; source: SearchView; rowEnd: number }
  | { kind: 'cluster'; share: BuildShare }
  | {
      kind: 'encode';
      share: BuildShare;
      generation: WebAssembly.Memory[];
      slotRows: SharedArrayBuffer;
      blueprint: Blueprint;
      directory: string;
    }
  | {
      kind: 'calibrate';
      threadIndex: number;
      /** The new generation; only its slots count. */
      view: SearchView;
      shape: SampleShape;
      samples: SharedArrayBuffer;
      control: SharedArrayBuffer;
    };

/** Bodies come as the blocks they were read into. */
export type IngestTask =
  | { kind: 'points'; blocks: Uint8Array[]; shape: PointShape }
  | { kind: 'lines'; block: Uint8Array; firstLine: number; shape: PointShape }
  | { kind: 'arrow'; arrow: ArrowBatch; shape: PointShape }
  | { kind: 'searches'; blocks: Uint8Array[] }
  | { kind: 'recall'; blocks: Uint8Array[] };

/** What the filter thread does for a collection, which `open` has made known to it before. */
export type FilterTask = { collection: string } & (
  | { kind: 'open'; path: string; indexes: IndexedKey[] }
  | { kind: 'close' }
  | { kind: 'change'; changes: PointChanges }
  | { kind: 'set_index'; key: string; type: PayloadIndexType }
  | { kind: 'drop_index'; key: string }
  | { kind: 'describe' }
  | { kind: 'mask'; filter: Filter; maskKey: number; places: RowPlaces }
  | { kind: 'count'; filter: Filter }
  | { kind: 'rows'; filter: Filter }
  | { kind: 'ids'; rows: Uint32Array }
  | { kind: 'page'; filter: Filter; after: string | undefined; limit: number }
  | { kind: 'facet'; key: string; filter: Filter; limit: number }
);

export interface IndexedKey {
  key: string;
  type: PayloadIndexType;
}

/** Points that one commit has changed. A payload that is not there has no bytes: a stored one has two at least. */
export interface PointChanges {
  ids: PointId[];
  /** Of each change the row before, and the row after; NO_ROW where there is none. */
  rows: Uint32Array<ArrayBuffer>;
  /** JSON in UTF-8, one behind the other: of each change the payload before, and the one after. */
  payloads: Uint8Array<ArrayBuffer>;
  /** Where each of them ends. */
  ends: Uint32Array<ArrayBuffer>;
}

/** The largest u32, which is never a row. */
export const NO_ROW = 0xffff_ffff;

/** Where rows are in a generation. */
export interface RowPlaces {
  slots: number;
  rowBase: number;
  slotRows: RowTable;
  rowSlots: RowSlotsTables;
}

/** Errors lose their class between threads: a worker returns them as data. */
export type Reply<Value> =
  | { ok: true; value: Value }
  | { ok: false; error: ErrorData }
  | { ok: false; viewUnknown: true }
  | { ok: false; collectionUnknown: true };
