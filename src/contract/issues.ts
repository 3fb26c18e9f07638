// Turns zod's findings into a ServiceError with at most 16 issues, each with its path. Runs on any thread.

import type { z } from 'zod';
import { type Issue, ServiceError } from '../errors.js';
import { ERROR_ISSUES_MAX } from '../limits.js';

type Path = readonly PropertyKey[];
type Finding = z.core.$ZodIssue;

/**
 * `value` as the schema gives it out.
 * @param at path of the value inside the body
 * @throws validation_failed, or the own code of a finding (dimension_mismatch, not_supported ...)
 */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown, at: Path = []): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw toServiceError(result.error.issues, at);
}

/** The error for a list of findings: the code is that of the first which has one, if all others are its like. */
export function toServiceError(findings: readonly Finding[], at: Path = []): ServiceError {
  const issues = toIssues(findings, at);
  const coded = findings.map(codedError).find((error) => error !== undefined);
  if (coded !== undefined && findings.every((finding) => codedError(finding)?.code === coded.code)) {
    return new ServiceError(coded.code, coded.fields, issues);
  }
  return new ServiceError('validation_failed', {}, issues);
}

function toIssues(findings: readonly Finding[], at: Path): Issue[] {
  return findings.slice(0, ERROR_ISSUES_MAX).map((finding) => ({
    path: formatPath([...at, ...finding.path]),
    message: messageOf(finding),
  }));
}

/** `points[3].vector` */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? String(step) : `.${String(step)}`;
  }
  return text;
}

/** A custom finding may bring an error of its own, as `params: { error }`: its code goes out then. */
function codedError(finding: Finding): ServiceError | undefined {
  if (finding.code !== 'custom') return undefined;
  const error: unknown = finding.params?.error;
  return error instanceof ServiceError ? error : undefined;
}

/** Names of unknown fields are the client's text: only a few, and not long ones, go back. */
function messageOf(finding: Finding): string {
  if (finding.code !== 'unrecognized_keys') return finding.message;
  const names = finding.keys.slice(0, 4).map((key) => JSON.stringify(key.slice(0, 64)));
  const rest = finding.keys.length > 4 ? ` and ${finding.keys.length - 4} more` : '';
  return `Unknown field ${names.join(', ')}${rest}`;
}
