// The service's figures in Prometheus' text format. The only importer of prom-client. Main thread.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import type { Collections } from '../collections/collections.js';
import type { DispatchFigures } from '../collections/dispatch-figures.js';
import { Histogram } from '../collections/histogram.js';
import { type SearchStats, searchWay } from '../contract/search.js';
import { histogramMetric } from './histogram-metric.js';
import { readProcessMemory } from './process-memory.js';

/** 0.1 ms to 10 s. */
const REQUEST_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
/** 1 us to 1 s. */
const STAGE_SECONDS = [
  1e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, 0.1, 1,
];
const LOOP_RESOLUTION_MS = 10;
const NANOSECONDS = 1e9;

export interface FinishedRequest {
  route: string;
  method: string;
  status: number;
  seconds: number;
}

export class Metrics {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #requests: Counter<'route' | 'method' | 'status'>;
  /** By route and method. */
  readonly #requestSeconds = new Map<string, [labels: Record<string, string>, Histogram]>();
  readonly #stageSeconds = new Map<string, [labels: Record<string, string>, Histogram]>();
  readonly #scanned: Counter;
  readonly #reranked: Counter;
  readonly #ways: Counter<'way'>;

  /** `engine` is asked at each scrape; undefined where there is none. */
  constructor(engine: () => Collections | undefined) {
    const registers = [this.#registry];
    this.contentType = this.#registry.contentType;
    this.#requests = new Counter({
      name: 'coppice_http_requests_total',
      help: 'Requests answered.',
      labelNames: ['route', 'method', 'status'],
      registers,
    });
    addHistograms(
      this.#registry,
      { name: 'coppice_http_request_seconds', help: 'Time from a request to its reply.' },
      () => this.#requestSeconds.values(),
    );
    addHistograms(
      this.#registry,
      { name: 'coppice_search_stage_seconds', help: 'Time of each stage of a search.' },
      () => this.#stageSeconds.values(),
    );
    this.#scanned = new Counter({
      name: 'coppice_vectors_scanned_total',
      help: 'Codes scanned by searches.',
      registers,
    });
    this.#reranked = new Counter({
      name: 'coppice_vectors_reranked_total',
      help: 'Vectors that searches compared exactly.',
      registers,
    });
    this.#ways = new Counter({
      name: 'coppice_searches_by_way_total',
      help: 'Searches, by the way they took: what `way` says in their statistics. Of a grouped search the first that it made.',
      labelNames: ['way'],
      registers,
    });
    for (const way of searchWay.options) this.#ways.inc({ way }, 0);
    collectDefaultMetrics({ register: this.#registry });
    engineGauges(this.#registry, engine);
    dispatchMetrics(this.#registry, () => engine()?.dispatch);
    loopGauge(this.#registry, this.#loopDelay);
    processGauge(this.#registry);
    this.#loopDelay.enable();
  }

  observeRequest({ route, method, status, seconds }: FinishedRequest): void {
    this.#requests.inc({ route, method, status });
    const key = `${method} ${route}`;
    let series = this.#requestSeconds.get(key);
    if (series === undefined) {
      series = [{ route, method }, new Histogram(REQUEST_SECONDS)];
      this.#requestSeconds.set(key, series);
    }
    series[1].observe(seconds);
  }

  observeSearch(stats: SearchStats): void {
    const { microseconds } = stats;
    for (const stage in microseconds) {
      let series = this.#stageSeconds.get(stage);
      if (series === undefined) {
        series = [{ stage }, new Histogram(STAGE_SECONDS)];
        this.#stageSeconds.set(stage, series);
      }
      series[1].observe((microseconds[stage] as number) / 1e6);
    }
    this.#scanned.inc(stats.vectors_scanned);
    this.#reranked.inc(stats.vectors_reranked);
    this.#ways.inc({ way: stats.way });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  close(): void {
    this.#loopDelay.disable();
    this.#registry.clear();
  }
}

/** Delay since the last scrape. The monitor's timer itself takes its resolution. */
function loopGauge(registry: Registry, delay: IntervalHistogram): void {
  new Gauge({
    name: 'coppice_event_loop_delay_seconds',
    help: 'How late the event loop is, since the last scrape.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      const seconds = (percentile: number) => {
        const late = delay.percentile(percentile) - LOOP_RESOLUTION_MS * 1e6;
        return delay.count === 0 ? 0 : Math.max(0, late) / NANOSECONDS;
      };
      this.set({ quantile: '0.5' }, seconds(50));
      this.set({ quantile: '0.99' }, seconds(99));
      delay.reset();
    },
  });
}

function processGauge(registry: Registry): void {
  new Gauge({
    name: 'coppice_process_memory_bytes',
    help: 'Resident memory of the process, by kind.',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      for (const { kind, bytes } of await readProcessMemory()) this.set({ kind }, bytes);
    },
  });
}

function engineGauges(registry: Registry, engine: () => Collections | undefined): void {
  const gauge = <L extends string>(name: string, help: string, labelNames: L[], fill: Fill<L>) => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        const collections = engine();
        if (collections !== undefined) fill(collections, (labels, value) => this.set(labels, value));
      },
    });
  };
  gauge('coppice_collections', 'Collections by state.', ['state'], (engine, set) => {
    for (const [state, count] of Object.entries(engine.stats().collections)) set({ state }, count);
  });
  gauge('coppice_queue_size', 'What waits.', ['queue'], (engine, set) => {
    for (const [queue, size] of Object.entries(engine.stats().queues)) set({ queue }, size);
  });
  gauge('coppice_points', 'Points of a collection.', ['collection', 'state'], (engine, set) => {
    for (const { name, indexed_count, pending_count, deleted_count } of engine.list()) {
      set({ collection: name, state: 'indexed' }, indexed_count);
      set({ collection: name, state: 'pending' }, pending_count);
      set({ collection: name, state: 'deleted' }, deleted_count);
    }
  });
  gauge('coppice_memory_bytes', 'RAM of a collection, by kind.', ['collection', 'kind'], (engine, set) => {
    for (const { name, memory } of engine.list()) {
      const { total_bytes: _sum, anonymous_bytes: _same, mapped_bytes: _mapped, ...kinds } = memory;
      for (const [kind, bytes] of Object.entries(kinds))
        set({ collection: name, kind: kind.replace(/_bytes$/, '') }, bytes);
    }
  });
  gauge('coppice_mapped_bytes', 'Vector files that a collection maps.', ['collection'], (engine, set) => {
    for (const { name, memory } of engine.list()) set({ collection: name }, memory.mapped_bytes);
  });
  gauge(
    'coppice_memory_budget_bytes',
    'RAM that may be used, and what is claimed of it.',
    ['kind'],
    (engine, set) => {
      for (const [kind, bytes] of Object.entries(engine.stats().budget))
        set({ kind: kind.replace(/_bytes$/, '') }, bytes);
    },
  );
  gauge(
    'coppice_recall',
    'Share of the true nearest that searches find: of some of them, run again in idle time beside an exact search.',
    ['collection'],
    (engine, set) => {
      for (const { name, recall } of engine.liveRecalls())
        if (recall !== null) set({ collection: name }, recall);
    },
  );
  gauge('coppice_recall_samples', 'Searches measured for coppice_recall.', ['collection'], (engine, set) => {
    for (const { name, samples } of engine.liveRecalls()) set({ collection: name }, samples);
  });
  gauge('coppice_disk_bytes', 'Disk of a collection.', ['collection'], (engine, set) => {
    for (const { name, disk_bytes } of engine.list()) set({ collection: name }, disk_bytes);
  });
}

/** What the search pool's queue does. */
function dispatchMetrics(registry: Registry, figures: () => DispatchFigures | undefined): void {
  const histogram = (name: string, help: string, pick: (figures: DispatchFigures) => Histogram) => {
    addHistograms(registry, { name, help }, () => {
      const found = figures();
      return found === undefined ? [] : [[{}, pick(found)]];
    });
  };
  histogram(
    'coppice_search_wait_seconds',
    'Time that a query waits for a search thread.',
    (found) => found.waitSeconds,
  );
  histogram(
    'coppice_search_task_queries',
    'Queries that go to a search thread together.',
    (found) => found.taskQueries,
  );
  new Counter({
    name: 'coppice_searches_dropped_total',
    help: 'Queries that no thread was given: refused with a full queue, or late, or left by their client.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(figures()?.dropped ?? {})) this.inc({ reason }, count);
    },
  });
}

function addHistograms(registry: Registry, ...of: Parameters<typeof histogramMetric>): void {
  registry.registerMetric(histogramMetric(...of) as unknown as Metric);
}

type Fill<L extends string> = (
  engine: Collections,
  set: (labels: Record<L, string>, value: number) => void,
) => void;
