// Figures for Prometheus. Main thread.

import type { Api } from '../api.js';
import type { Metrics } from '../metrics.js';
import { errors, text } from '../responses.js';

export function metricsRoutes(api: Api, metrics: Metrics): void {
  api.route({
    method: 'GET',
    url: '/metrics',
    config: { scope: 'read', quiet: true },
    schema: {
      tags: ['service'],
      operationId: 'getMetrics',
      summary: 'Figures for Prometheus',
      response: { 200: text('In the text format of Prometheus.', 'text/plain'), ...errors() },
    },
    handler: async (_request, reply) => {
      reply.type(metrics.contentType);
      return metrics.text();
    },
  });
}
