// Writes every error as application/problem+json, and decides which error a failure is. Main thread.

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../contract/problem.js';
import { type ErrorCode, ServiceError } from '../errors.js';
import { STATUS_CODES } from './status-codes.js';

export const PROBLEM_TYPE = 'application/problem+json';
const RETRY_AFTER_SECONDS = '1';
const RETRYABLE: ReadonlySet<number> = new Set([429, 503]);
/** Members of a problem beside the fixed ones. */
export type Extension = Pick<Problem, 'upserted' | 'sequence'>;

export function toProblem(error: ServiceError, requestId: string, extension: Extension = {}): Problem {
  return {
    type: `urn:coppice:problem:${error.code}`,
    title: titleOf(error.code),
    status: STATUS_CODES[error.code],
    detail: error.publicMessage,
    code: error.code,
    ...(error.issues.length > 0 && { errors: error.issues }),
    request_id: requestId,
    ...extension,
  };
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: ServiceError,
  extension?: Extension,
): FastifyReply {
  const problem = toProblem(error, request.id, extension);
  reply.code(problem.status).type(PROBLEM_TYPE);
  // What may still come of the body belongs to no request.
  if (error.code === 'body_timeout') reply.header('connection', 'close');
  if (RETRYABLE.has(problem.status)) reply.header('retry-after', RETRY_AFTER_SECONDS);
  return reply.send(JSON.stringify(problem));
}

/** The error handler of the whole service. */
export function handleError(failure: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const error = toServiceError(failure, request);
  if (STATUS_CODES[error.code] === 500) request.log.error({ err: failure }, 'request failed');
  sendProblem(request, reply, error);
}

/** What a failure is to the caller; defects and unknown failures are `internal`. */
export function toServiceError(failure: FastifyError | Error, request: FastifyRequest): ServiceError {
  if (failure instanceof ServiceError) return failure;
  const { code, statusCode } = failure as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ServiceError('body_too_large', { bytesMax: request.routeOptions.bodyLimit ?? 0 });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const accepted = request.routeOptions.config.accepts ?? 'application/json';
    return new ServiceError('unsupported_media_type', { type: mediaType(request), accepted });
  }
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
    return new ServiceError('malformed_request', { reason: 'the client left before its end' });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ServiceError('malformed_request', { reason: failure.message.slice(0, 256) });
  }
  return new ServiceError('internal');
}

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '(none)').slice(0, 128);
}

function titleOf(code: ErrorCode): string {
  const text = code.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
