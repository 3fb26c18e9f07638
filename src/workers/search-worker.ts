// Entry of the search pool's threads: keeps the views it has opened, searches them, encodes pending rows.

import { BroadcastChannel } from 'node:worker_threads';
import { encodePending } from '../index/encode-pending.js';
import { Generation } from '../index/generation.js';
import type { PositionReader } from '../index/query.js';
import { Scratch } from '../index/scratch.js';
import { Searcher } from '../index/search.js';
import { instantiateKernels, type Kernels } from '../kernels/kernels.js';
import { collectGarbage } from './collect-garbage.js';
import type { ReleaseMessage, Reply, SearchTask, SearchView } from './messages.js';
import { replyWith } from './replies.js';
import { RELEASE_CHANNEL } from './search-pool-channel.js';
import { ViewVectors } from './view-vectors.js';

interface OpenView {
  generationKey: string;
  generation: Generation;
  kernels: Kernels;
  reader: PositionReader;
  scratch: Scratch;
  searcher: Searcher;
}

/** Views by key, made on the first task that brings one. */
const views = new Map<string, OpenView>();
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
  const generation = new Generation(view.memory, view.settings);
  const kernels = instantiateKernels(view.memory);
  const reader = new ViewVectors(view);
  const scratch = scratchOf(view, generation);
  const searcher = new Searcher(generation, kernels, reader, scratch);
  const open = { generationKey: view.generationKey, generation, kernels, reader, scratch, searcher };
  views.set(view.key, open);
  return open;
}

/** Views of one generation share this thread's scratch area: an area of the memory is never given back. */
function scratchOf(view: SearchView, generation: Generation): Scratch {
  for (const open of views.values()) {
    if (open.generationKey === view.generationKey) return open.scratch;
  }
  return new Scratch(generation);
}

function listenForReleases(): void {
  if (channel !== undefined) return;
  channel = new BroadcastChannel(RELEASE_CHANNEL);
  channel.unref();
  channel.onmessage = (event) => {
    const { viewKey } = (event as unknown as { data: ReleaseMessage }).data;
    if (views.delete(viewKey)) collectGarbage();
  };
}
