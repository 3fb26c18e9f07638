// Request and status of an index build. Runs on any thread.

import { z } from 'zod';
import { indexSettings } from './index-settings.js';

/** Parameters that are given replace the collection's own, for this and later builds. */
export const buildRequest = indexSettings;
export type BuildRequest = z.output<typeof buildRequest>;

export const buildStatus = z
  .strictObject({
    state: z.enum(['queued', 'running', 'succeeded', 'failed', 'canceled']),
    phase: z.string().describe('What the build is doing now, such as `clustering` or `encoding`.'),
    progress: z.number().min(0).max(1),
    eta_seconds: z.number().optional().describe('Left to go, estimated; absent while it is not known.'),
    elapsed_seconds: z.number(),
    points_count: z.int().describe('Points that go into the index.'),
    generation: z.int().describe('The generation this build makes.'),
    started_at: z.iso.datetime(),
    finished_at: z.iso.datetime().optional(),
    error: z
      .strictObject({ code: z.string(), message: z.string() })
      .optional()
      .describe('Why the build failed.'),
  })
  .meta({ id: 'BuildStatus' });
export type BuildStatus = z.output<typeof buildStatus>;

const foreseen = (what: string) => ({
  now_bytes: z.int(),
  peak_bytes: z.int().describe(`The most ${what} while the build runs.`),
  after_bytes: z.int(),
});

export const buildPlan = z
  .strictObject({
    points_count: z.int().describe('Points that would go into the index.'),
    threads: z.int(),
    seconds: z
      .number()
      .describe('From the speed of the last build of the collection; a guess where there was none.'),
    memory: z
      .strictObject({
        ...foreseen('the collection and its build hold'),
        used_bytes: z.int().describe('Claimed by the whole service now.'),
        limit_bytes: z.int().describe('What the whole service may use.'),
      })
      .describe('RAM.'),
    disk: z.strictObject({
      ...foreseen('the collection occupies'),
      free_bytes: z.int(),
    }),
    refusal: z
      .strictObject({ code: z.string(), message: z.string() })
      .optional()
      .describe('Why the build would be refused now; absent where it would start.'),
  })
  .meta({ id: 'BuildPlan' });
export type BuildPlan = z.output<typeof buildPlan>;
