import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_CATALOGUE, OmoiError, type Logger } from '#telemetry';
import type { ApiApp } from './app.ts';
import { isDashboardPage, type DashboardPage } from '../dashboard/dashboard-files.ts';
import { answerError, errorBodyOf, type ErrorAnswer } from './error-answer.ts';
import { inAlertmanagerForm, isAlertmanagerPath } from '../alertmanager/alertmanager-refusal.ts';
import { inPrometheusForm, isPrometheusPath } from '../prometheus/error-body.ts';
import type { RoutePaths } from './route-paths.ts';

export interface FailureParts {
  readonly fail: FailureAnswer;
  readonly paths: RoutePaths;
  readonly page: DashboardPage;
}

/** Answers anything that was thrown, in one shape. */
export type FailureAnswer = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/**
 * Makes the one answer to failures, which logs what the server itself is to blame for. Below `/prometheus/` and
 * `/alertmanager/` it has the form that their clients read.
 */
export function createFailureAnswer(logger: Logger): FailureAnswer {
  return (thrown, request, reply) => {
    const failure = answerError(thrown, {
      method: request.method,
      path: shownPath(request),
      bodyLimitBytes: request.routeOptions.bodyLimit,
      contentType: request.headers['content-type'],
      takes: request.routeOptions.config.takes ?? ['application/json'],
    });
    if (failure.unexpected) {
      logger.error(
        { request_id: request.id, method: request.method, path: pathOf(request), error: describe(thrown) },
        'A request failed for a reason of the server’s own.',
      );
    }
    if (failure.retryAfterSeconds !== null) reply.header('retry-after', failure.retryAfterSeconds);
    if (failure.status === 401) reply.header('www-authenticate', 'Bearer realm="omoi"');
    const { status, body, type } = inFormOf(pathOf(request), failure, thrown);
    return reply
      .code(status)
      .type(type)
      .send(Buffer.from(JSON.stringify(body)));
  };
}

/** A failure as the clients of a path read it. */
function inFormOf(
  path: string,
  failure: ErrorAnswer,
  thrown: unknown,
): { readonly status: number; readonly body: unknown; readonly type: string } {
  const others = 'application/json';
  if (isPrometheusPath(path)) return { ...inPrometheusForm(failure, thrown), type: others };
  if (isAlertmanagerPath(path)) return { ...inAlertmanagerForm(failure), type: others };
  return { status: failure.status, body: failure.body, type: 'application/json; charset=utf-8' };
}

/** Tells what is wrong with requests that no route takes. */
export function answerUnknownPaths(app: ApiApp, { fail, paths, page }: FailureParts): void {
  app.setNotFoundHandler((request, reply) => {
    if (isDashboardPage(request)) return page(reply.header('cache-control', 'no-cache'));
    const path = shownPath(request);
    const methods = paths.methodsOf(pathOf(request));
    if (methods.length > 0 && !methods.includes(request.method)) {
      const message = `${path} does not take ${request.method} but ${methods.join(', ')}`;
      return fail(
        new OmoiError('method_not_allowed', message),
        request,
        reply.header('allow', methods.join(', ')),
      );
    }
    return fail(new OmoiError('not_found', `there is nothing at ${path}`), request, reply);
  });
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? request.url;
}

/** Messages repeat no more of a path. */
const maxShownCharacters = 200;

function shownPath(request: FastifyRequest): string {
  const path = pathOf(request);
  return path.length <= maxShownCharacters ? path : `${path.slice(0, maxShownCharacters)}…`;
}

/** With stack and cause: this goes into the log and nowhere else. */
function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? '' : `\ncaused by ${describe(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}

/** An import of it by name would load the HTTP client behind `fetch`. */
const { maxHeaderSize } = process.getBuiltinModule('node:http');

/** Answers what can't be read as a request: there is none to answer yet, only a connection. */
export function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  // A client that went away needs no answer.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, message } = refusalOf(error.code);
  const body = JSON.stringify(errorBodyOf('invalid_request', message));
  // Who sends slowly may read slowly too, or not at all: the connection does not wait for the other side to close it.
  socket.write(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nconnection: close\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

function refusalOf(code: string | undefined): { readonly status: string; readonly message: string } {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: '408 Request Timeout', message: 'the request was not sent in time' };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return {
      status: '431 Request Header Fields Too Large',
      message: `the request line and the headers exceed ${maxHeaderSize} bytes`,
    };
  }
  return { status: '400 Bad Request', message: 'this is no well-formed HTTP' };
}

/** Answers an `Expect` header that asks for anything but to go on. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const message = `this server can't do what "Expect: ${(request.headers.expect ?? '').slice(0, maxShownCharacters)}" asks for`;
  response.writeHead(ERROR_CATALOGUE.expectation_failed.status, {
    'content-type': 'application/json',
    connection: 'close',
  });
  response.end(JSON.stringify(errorBodyOf('expectation_failed', message)));
}
