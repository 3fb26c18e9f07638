// Every limit of the service, as DEFAULT / MIN / MAX. Units stand last in the names.

export const DIMENSION_MIN = 2;
export const DIMENSION_MAX = 4096;

/** Sums of squares outside of these bounds, and the distances made of them, overflow or vanish in float32. */
export const SQUARED_NORM_MAX = 1e30;
export const COSINE_SQUARED_NORM_MIN = 1e-30;

export const COLLECTIONS_MAX = 1000;
export const COLLECTION_NAME_CHARS_MAX = 128;
export const ID_BYTES_MAX = 256;
export const PAYLOAD_BYTES_MAX = 65_536;
export const PAYLOAD_DEPTH_MAX = 32;
/** Of a whole body: the parser's time and memory grow with the square of what is nested. */
export const JSON_DEPTH_MAX = 2 * PAYLOAD_DEPTH_MAX;
export const POINTS_PER_REQUEST_MAX = 10_000;
/** Of one call that deletes points or changes their payloads. */
export const IDS_PER_REQUEST_MAX = 10_000;
export const SCROLL_LIMIT_DEFAULT = 100;
export const SCROLL_LIMIT_MAX = 1000;
/** A page of large points ends early: vectors and payloads of one answer stay below about this. */
export const SCROLL_PAGE_BYTES = 2 * 1024 * 1024;
/** Payloads and vectors of one reply to a search or a batch, and of all that are under way: as objects they take many times that. */
export const REPLY_BYTES_MAX = 16 * 1024 * 1024;
export const REPLIES_BYTES_MAX = 48 * 1024 * 1024;
export const ERROR_ISSUES_MAX = 16;

/** Groups within groups. */
export const FILTER_DEPTH_MAX = 8;
/** All levels together. */
export const FILTER_CONDITIONS_MAX = 256;
/** Of one condition. */
export const FILTER_VALUES_MAX = 1000;
/** All ids and values that a filter lists. */
export const FILTER_IDS_MAX = 10_000;
export const FILTER_KEY_CHARS_MAX = 256;
export const FILTER_TEXT_CHARS_MAX = 1024;
export const PAYLOAD_INDEXES_MAX = 64;
/** All of a process: one thread has them, in a WebAssembly memory that ends at 2 GiB and a heap of its own. */
export const PAYLOAD_INDEX_BYTES_MAX = 1024 * 1024 * 1024;
export const FACET_LIMIT_DEFAULT = 10;
export const FACET_LIMIT_MAX = 1000;
export const GROUP_SIZE_DEFAULT = 3;
/** Groups times their size. */
export const GROUPED_RESULTS_MAX = 1000;
export const PAYLOAD_KEYS_PER_UPDATE_MAX = 256;

export const K_DEFAULT = 10;
export const K_MAX = 1000;
export const PROBES_MAX = 100_000;
export const RERANK_FACTOR_MAX = 100;
export const CANDIDATES_MAX = 20_000;
export const SEARCHES_PER_BATCH_MAX = 256;
export const RECALL_SAMPLES_DEFAULT = 100;
export const RECALL_SAMPLES_MAX = 1000;
/** Of `min_recall`. */
export const CONFIDENCE_DEFAULT = 0.95;

export const BRANCHING_FACTOR_DEFAULT = 64;
export const BRANCHING_FACTOR_MIN = 2;
export const BRANCHING_FACTOR_MAX = 256;
export const LEAF_SIZE_DEFAULT = 1000;
/** Below 256 dimensions. */
export const LEAF_SIZE_DEFAULT_NARROW = 700;
export const LEAF_SIZE_MIN = 8;
export const LEAF_SIZE_MAX = 100_000;
export const ITERATIONS_DEFAULT = 10;
export const ITERATIONS_MIN = 1;
export const ITERATIONS_MAX = 100;

export const BODY_BYTES_DEFAULT = 64 * 1024 * 1024;
export const BODY_BYTES_MIN = 1024;
/** Bodies above this are parsed by a worker: JSON.parse of more would hold up the event loop. */
export const INLINE_PARSE_BYTES_MAX = 32 * 1024;
export const NDJSON_LINE_BYTES_MAX = 1024 * 1024;
export const NDJSON_BLOCK_BYTES = 1024 * 1024;
/** Of one message of an Arrow stream; the schema of a wide table, with what pandas adds to it, has some KiB. */
export const ARROW_METADATA_BYTES_MAX = 1024 * 1024;
/** Children of lists count, too. */
export const ARROW_COLUMNS_MAX = 1024;
/** All dictionaries together: they go to a worker with every record batch. */
export const ARROW_DICTIONARY_BYTES_MAX = 8 * 1024 * 1024;

/** Offsets of a mapping are 32-bit: a segment file stays below 1 GiB. */
export const SEGMENT_BYTES_MAX = 1024 * 1024 * 1024;
/** Row numbers are u32; the last one is kept as "none". */
export const ROWS_MAX = 0xffff_fffe;
/** A process with less has no room for a collection. */
export const MEMORY_BYTES_MIN = 64 * 1024 * 1024;
/** A wasm32 memory ends at 4 GiB. */
export const INDEX_MEMORY_BYTES_MAX = 65_536 * 65_536;
/** Inserts stop before the disk is full, so that deletes and drops still work. */
export const DISK_RESERVE_BYTES = 256 * 1024 * 1024;

export const QUEUED_SEARCHES_MAX = 1024;
export const QUEUED_SEARCHES_OF_COLLECTION_MAX = 512;
/** Filters that one thread works on, and changes of points that it has not seen yet. */
export const QUEUED_FILTERS_MAX = 4096;
export const QUEUED_MUTATIONS_MAX = 256;
export const QUEUED_MUTATION_BYTES_MAX = 256 * 1024 * 1024;
export const THREADS_MAX = 256;
