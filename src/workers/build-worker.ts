// Entry of the build pool's threads. Of a build's threads one leads, the others help; see index/build/team.ts.

import { ArenaViews } from '../index/build/arena-views.js';
import type { Blueprint } from '../index/build/blueprint.js';
import { BuildThread } from '../index/build/build-thread.js';
import { Clustering } from '../index/build/cluster.js';
import { BuildControl } from '../index/build/control.js';
import { LeafEncoder } from '../index/build/encode-leaves.js';
import { Team } from '../index/build/team.js';
import { writeTree } from '../index/build/write-tree.js';
import { calibrate } from '../index/calibrate/calibrate.js';
import { CalibrationSampler } from '../index/calibrate/sampler.js';
import type { Calibration } from '../index/calibration.js';
import { Generation } from '../index/generation.js';
import { instantiateKernels } from '../kernels/kernels.js';
import { collectGarbage } from './collect-garbage.js';
import { LeafVectorsWriter } from './generation-files.js';
import type { BuildShare, BuildTask, Reply, SearchView } from './messages.js';
import { replyWith } from './replies.js';
import { openGeneration, ViewVectors } from './view-vectors.js';

/** Leaves that one encoding job takes. */
const LEAVES_PER_JOB = 4;

export default async function runBuildTask(task: BuildTask): Promise<Reply<unknown>> {
  const reply = await replyWith(() => {
    if (task.kind === 'list') return listLive(task.source, task.rowEnd);
    if (task.kind === 'cluster') return cluster(task.share);
    if (task.kind === 'calibrate') return runCalibration(task);
    return encode(task);
  });
  // The arena and the maps of the source go with the build, not with the thread.
  setImmediate(collectGarbage);
  return reply;
}

/** Positions of the live vectors with rows below `rowEnd`, ascending: u32 each, in shared memory. */
function listLive(source: SearchView, rowEnd: number): SharedArrayBuffer {
  const generation = openGeneration(source);
  const end = source.slots + Math.max(0, rowEnd - source.rowBase);
  const positions = new Uint32Array(end);
  let count = 0;
  for (let position = 0; position < end; position++) {
    if (!generation.isDead(position)) positions[count++] = position;
  }
  const shared = new SharedArrayBuffer(count * 4);
  new Uint32Array(shared).set(positions.subarray(0, count));
  return shared;
}

/** The leader returns the blueprint, helpers nothing. */
function cluster(share: BuildShare): Blueprint | undefined {
  const control = new BuildControl(share.control);
  const views = new ArenaViews(share.arena, share.shape, share.positions);
  const reader = new ViewVectors(share.source);
  const thread = new BuildThread(share.arena, views, share.threadIndex, share.settings, reader, control);
  const team = new Team(control, (kind, job) => thread.run(kind, job));
  return lead(share, team, () => new Clustering(views, team, share.settings, control).run());
}

function encode(task: Extract<BuildTask, { kind: 'encode' }>): void {
  const { share, blueprint } = task;
  const control = new BuildControl(share.control);
  const arena = new ArenaViews(share.arena, share.shape, share.positions);
  const generation = new Generation(task.generation, share.settings, new Uint32Array(task.slotRows));
  const source = openGeneration(share.source);
  const kernels = instantiateKernels(generation.memory);
  const reader = new ViewVectors(share.source);
  const { dimension, precision } = share.source.vectors;
  const writer = new LeafVectorsWriter(task.directory, { dimension, precision }, generation.slots);
  try {
    const encoder = new LeafEncoder(generation, source, kernels, arena, reader, (slot, vectors) =>
      writer.write(slot, vectors),
    );
    const team = new Team(control, (_kind, job) => {
      const first = job * LEAVES_PER_JOB;
      control.advance(encoder.encode(first, Math.min(generation.leaves, first + LEAVES_PER_JOB)));
    });
    lead(share, team, () => {
      control.enter('encoding', generation.slots);
      writeTree(generation, kernels, arena, blueprint);
      team.run(0, Math.ceil(generation.leaves / LEAVES_PER_JOB));
    });
    if (share.threadIndex === 0) {
      control.enter('writing', 1);
      writer.sync();
    }
  } finally {
    writer.close();
  }
}

/** The leader returns the calibration, helpers nothing. */
function runCalibration(task: Extract<BuildTask, { kind: 'calibrate' }>): Calibration | undefined {
  const { view, shape, samples } = task;
  const control = new BuildControl(task.control);
  const generation = openGeneration(view);
  const kernels = instantiateKernels(generation.memory);
  const sampler = new CalibrationSampler(generation, kernels, new ViewVectors(view));
  const team = new Team(control, (_kind, job) => {
    sampler.sample(job, shape, samples);
    control.advance(1);
  });
  return lead(task, team, () => {
    control.enter('calibrating', shape.queries);
    team.run(0, shape.queries);
    return calibrate(generation, shape, samples);
  });
}

/** Thread 0 leads; the others serve it until it ends. */
function lead<Result>(
  { threadIndex }: { threadIndex: number },
  team: Team,
  work: () => Result,
): Result | undefined {
  if (threadIndex !== 0) {
    team.serve();
    return undefined;
  }
  try {
    return work();
  } finally {
    team.end();
  }
}
