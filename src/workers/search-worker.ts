// Entry of the search pool's threads: keeps the views it has opened, searches them, encodes pending rows.

import { BroadcastChannel } from 'node:worker_threads';
import { encodePending } from '../index/encode-pending.js';
import type { Generation } from '../index/generation.js';
import type { PositionReader } from '../index/query.js';
import { Scratch } from '../index/scratch.js';
import { Searcher } from '../index/search.js';
import { instantiateKernels, type Kernels } from '../kernels/kernels.js';
import { collectGarbage } from './collect-garbage.js';
import type { ReleaseMessage, Reply, SearchTask, SearchView } from './messages.js';
import { replyWith } from './replies.js';
import { RELEASE_CHANNEL } from './search-pool-channel.js';
import { openGeneration, ViewVectors } from './view-vectors.js';

interface OpenView {
  generation: Generation;
  kernels: Kernels;
  reader: PositionReader;
  scratch: Scratch;
  searcher: Searcher;
}

/** Views by key, made on the first task that brings one. */
const views = new Map<string, OpenView>();
/** This thread's scratch area in each generation, kept until the generation is gone: an area is never given back. */
const scratches = new Map<string, Scratch>();
let channel: BroadcastChannel | undefined;

export default async function runSearchTask(task: SearchTask): Promise<Reply<unknown>> {
  listenForReleases();
  const { view } = task;
  const known = views.get(task.viewKey);
  if (known === undefined && view === undefined) return { ok: false, viewUnknown: true };
  return replyWith(() => {
    const open = known ?? openView(view as SearchView);
    if (task.kind === 'search') return task.queries.map((query) => open.searcher.search(query, task.part));
    return encodePending(open.generation, open.kernels, open.reader, open.scratch);
  });
}

function openView(view: SearchView): OpenView {
  const generation = openGeneration(view);
  const kernels = instantiateKernels(generation.memory);
  const reader = new ViewVectors(view);
  const scratch = scratchOf(view, generation);
  const searcher = new Searcher(generation, kernels, reader, scratch);
  const open = { generation, kernels, reader, scratch, searcher };
  views.set(view.key, open);
  return open;
}

function scratchOf({ generationKey }: SearchView, generation: Generation): Scratch {
  const scratch = scratches.get(generationKey) ?? new Scratch(generation);
  scratches.set(generationKey, scratch);
  return scratch;
}

function listenForReleases(): void {
  if (channel !== undefined) return;
  channel = new BroadcastChannel(RELEASE_CHANNEL);
  channel.unref();
  channel.onmessage = (event) => {
    const { viewKey, generationKey } = (event as unknown as { data: ReleaseMessage }).data;
    const hadView = views.delete(viewKey);
    const hadScratch = generationKey !== undefined && scratches.delete(generationKey);
    if (hadView || hadScratch) collectGarbage();
  };
}
