// Whether the process lives, and whether it can serve. Main thread; open to everybody.

import { z } from 'zod';
import { problem } from '../../contract/problem.js';
import { ServiceError } from '../../errors.js';
import type { Api, RouteContext } from '../api.js';
import { PROBLEM_TYPE } from '../problems.js';
import { json } from '../responses.js';

const tags = ['service'];
const NAMES_SHOWN = 16;

export function healthRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'GET',
    url: '/livez',
    config: { quiet: true },
    schema: {
      tags,
      operationId: 'getLiveness',
      summary: 'Does the process live?',
      security: [],
      response: { 200: json('It does.', z.strictObject({ status: z.literal('ok') })) },
    },
    handler: async () => ({ status: 'ok' }),
  });

  api.route({
    method: 'GET',
    url: '/readyz',
    config: { quiet: true },
    schema: {
      tags,
      operationId: 'getReadiness',
      summary: 'Can it serve?',
      security: [],
      response: {
        200: json('All collections are open.', z.strictObject({ status: z.literal('ready') })),
        503: {
          description:
            'Not yet, or not any more: `code` is `not_ready` or `shutting_down`, `errors` has the collections still loading.',
          content: { [PROBLEM_TYPE]: { schema: problem } },
        },
      },
    },
    handler: async () => {
      const collections = engine();
      if (collections.ready) return { status: 'ready' };
      const names = collections.loading();
      if (names.length === 0) throw new ServiceError('shutting_down');
      const shown = names.slice(0, NAMES_SHOWN);
      const issues = shown.map((path) => ({ path, message: 'still loading' }));
      throw new ServiceError('not_ready', { collections: `${names.length} collection(s)` }, issues);
    },
  });
}
