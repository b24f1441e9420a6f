import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest, FastifyTypeProviderDefault } from 'fastify';
import { OmoiError } from '#telemetry';
import { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import { encodingProblem } from '../http/content-encoding.ts';
import { whenGone } from '../http/when-gone.ts';
import { sendAnswer, type PrometheusAnswer } from './answer.ts';
import { prometheusError } from './error-body.ts';
import { Parameters } from './parameters.ts';
import { READERS } from '../access/roles.ts';

const FORM = 'application/x-www-form-urlencoded';
const PLUS = 0x2b;
const SPACE = 0x20;
const maxFormFields = 10_000;
/** Every character of the longest query takes up to nine bytes. */
const maxFormBytes = 1024 * 1024;
const HTTP_API = 'https://prometheus.io/docs/prometheus/latest/querying/api/';

const success = z
  .object({
    status: z.literal('success'),
    data: z.unknown(),
    warnings: z.array(z.string()).optional(),
    infos: z.array(z.string()).optional(),
  })
  .describe(`As Prometheus answers it: ${HTTP_API}`);

/** A parameter may be repeated; where one value is meant, the first one counts. */
const parameter = z.union([z.string(), z.array(z.string())]).optional();

const pathParameters = z.object({ name: z.string().default('') });

/** What a route is asked with. */
export interface PrometheusRequest {
  readonly parameters: Parameters;
  /** The path's own parameter, where it has one. */
  readonly name: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface PrometheusRoute {
  /** Below `/prometheus/api/v1/`. */
  readonly path: string;
  /** Whether a form may be posted, for what is too long for a URL. */
  readonly takesForm: boolean;
  readonly summary: string;
  readonly parameters: readonly string[];
  /** Null where there is nothing to say, which is answered with 204. */
  answer(request: PrometheusRequest): PrometheusAnswer | null | Promise<PrometheusAnswer | null>;
}

/** Adds routes that take their parameters, and answer, as those of Prometheus do. */
export function registerPrometheusReads(app: ApiApp, routes: readonly PrometheusRoute[]): void {
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(FORM, async (request: FastifyRequest, payload: Readable) => {
      const body = await scope.bodyReader.read(request, payload, scope.takeBytes(request));
      const problem = encodingProblem(request);
      if (problem) throw problem;
      return fieldsOf(textOf(body));
    });
    for (const route of routes) {
      addRoute(scope, route, 'GET');
      if (route.takesForm) addRoute(scope, route, 'POST');
    }
    done();
  });
}

function addRoute(scope: ApiApp, route: PrometheusRoute, method: 'GET' | 'POST'): void {
  const fields = z.object(Object.fromEntries(route.parameters.map((name) => [name, parameter])));
  // The answer is text that is JSON already: the schema describes it, and does not serialize it.
  scope.withTypeProvider<FastifyTypeProviderDefault>().route({
    method,
    url: `/prometheus/api/v1/${route.path}`,
    config: { access: READERS, readsOnly: true, takes: [FORM] },
    bodyLimit: Math.min(maxFormBytes, scope.initialConfig.bodyLimit ?? maxFormBytes),
    schema: {
      tags: ['prometheus'],
      summary: route.summary,
      querystring: fields,
      ...(method === 'POST' && { consumes: [FORM], body: fields.nullish() }),
      response: { 200: success, default: prometheusError },
    },
    handler: (request, reply) => answerRoute(route, request, reply),
  });
}

async function answerRoute(
  route: PrometheusRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { name } = pathParameters.parse(request.params);
  const answer = await route.answer({
    parameters: new Parameters(request.body, request.query),
    name,
    signal: untilClosed(reply, request.server.closing),
  });
  return answer === null ? reply.code(204).send() : sendAnswer(reply, answer);
}

/** Aborted when the connection ends before the answer has been sent, or when the server closes. */
function untilClosed(reply: FastifyReply, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const abort = (): void => gone.abort(closing.reason);
  if (closing.aborted) abort();
  else closing.addEventListener('abort', abort);
  reply.raw.once('close', () => closing.removeEventListener('abort', abort));
  whenGone(reply, () => gone.abort(new Error('the client went away')));
  return gone.signal;
}

/** A form whose spaces are spaces: to make one of each `+` in a text takes 0.1 µs. */
function textOf(form: Buffer): string {
  for (let at = form.indexOf(PLUS); at >= 0; at = form.indexOf(PLUS, at + 1)) form[at] = SPACE;
  return form.toString();
}

/** @throws OmoiError `invalid_request` where the form has more fields than any query has */
function fieldsOf(form: string): Record<string, string[]> {
  let separators = 0;
  for (let at = form.indexOf('&'); at >= 0; at = form.indexOf('&', at + 1)) {
    if (++separators < maxFormFields) continue;
    throw new OmoiError('invalid_request', `the form has more than maxFormFields (${maxFormFields}) fields`);
  }
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(form)) {
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return Object.fromEntries(fields);
}
