// As many requests as a route answers over some kept connections, each with one request at a time.

import autocannon from 'autocannon';

export interface SaturateOptions {
  origin: string;
  path: string;
  bodies: string[];
  connections: number;
  /** How long; or how many requests, where a service is to warm up however slow it is. */
  until: { seconds: number } | { requests: number };
}

/** Requests a second. The load generator takes its share of the same cores. @throws on answers that are no 2xx */
export async function saturate({
  origin,
  path,
  bodies,
  connections,
  until,
}: SaturateOptions): Promise<number> {
  let failure: Error | undefined;
  const { requests, non2xx, errors } = await autocannon({
    url: origin + path,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    connections,
    ...('seconds' in until ? { duration: until.seconds } : { amount: until.requests }),
    requests: bodies.map((body) => ({ body })),
    setupClient: (client) => client.on('connError', (error: Error) => (failure ??= error)),
  });
  if (non2xx + errors > 0) {
    throw new Error(
      `${non2xx} answers were no 2xx, ${errors} failed: ${failure?.message ?? 'no answer in time'}`,
    );
  }
  return requests.average;
}
