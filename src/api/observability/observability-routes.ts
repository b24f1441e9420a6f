import type { LogStore, SpanStore } from '#observability';
import { OmoiError } from '#telemetry';
import type { ApiApp } from '../http/app.ts';
import { jsonOf, jsonOfFields, jsonOfList, mapped } from '../http/json-pieces.ts';
import { sendPieces } from '../http/pieces.ts';
import {
  logsAnswer,
  logsQuery,
  traceAnswer,
  traceParams,
  tracesAnswer,
  tracesQuery,
} from './observability-schemas.ts';
import { READERS } from '../access/roles.ts';
import { viewOfAbout, viewOfLine, viewOfSpan, viewOfSummary } from './observability-view.ts';

export interface ObservabilityRouteParts {
  readonly spans: Pick<SpanStore, 'search' | 'trace' | 'aboutOf'>;
  readonly logs: Pick<LogStore, 'search'>;
}

/** `/api/v1/observability`: traces and logs, read back. */
export function registerObservabilityRoutes(app: ApiApp, parts: ObservabilityRouteParts): void {
  const { spans, logs } = parts;
  app.route({
    method: 'GET',
    url: '/api/v1/observability/traces',
    config: { access: READERS },
    schema: {
      tags: ['observability'],
      summary: 'Traces, the newest first',
      querystring: tracesQuery,
      response: { 200: tracesAnswer },
    },
    handler: async ({ query }, reply) => {
      const page = await spans.search({
        ...timesOf(query),
        ...(query.name !== undefined && { name: query.name }),
        ...(query.service !== undefined && { serviceName: query.service }),
        ...(query.status !== undefined && { status: query.status }),
        attributes: attributesOf(query.attribute),
        limit: query.limit,
        ...(query.cursor !== undefined && { cursor: query.cursor }),
      });
      const answer = jsonOfFields([
        ['traces', jsonOfList(mapped(page.found, viewOfSummary))],
        ['next_cursor', jsonOf(page.nextCursor)],
      ]);
      return sendPieces(reply.type('application/json'), answer);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/observability/traces/:trace_id',
    config: { access: READERS },
    schema: {
      tags: ['observability'],
      summary: 'All spans of one trace',
      params: traceParams,
      response: { 200: traceAnswer },
    },
    handler: async ({ params }, reply) => {
      const found = await spans.trace(params.trace_id);
      const trace = jsonOfFields([
        ['trace_id', jsonOf(params.trace_id)],
        ['about', jsonOf(viewOfAbout(spans.aboutOf(found)))],
        ['spans', jsonOfList(mapped(found, viewOfSpan))],
      ]);
      return sendPieces(reply.type('application/json'), trace);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/observability/logs',
    config: { access: READERS },
    schema: {
      tags: ['observability'],
      summary: 'Log lines, the newest first',
      querystring: logsQuery,
      response: { 200: logsAnswer },
    },
    handler: async ({ query }, reply) => {
      const page = await logs.search({
        ...timesOf(query),
        ...(query.level !== undefined && { level: query.level }),
        ...(query.text !== undefined && { text: query.text }),
        ...(query.trace_id !== undefined && { traceId: query.trace_id }),
        ...(query.component !== undefined && { component: query.component }),
        ...(query.service !== undefined && { serviceName: query.service }),
        limit: query.limit,
        ...(query.cursor !== undefined && { cursor: query.cursor }),
      });
      const answer = jsonOfFields([
        ['lines', jsonOfList(mapped(page.found, viewOfLine))],
        ['next_cursor', jsonOf(page.nextCursor)],
      ]);
      return sendPieces(reply.type('application/json'), answer);
    },
  });
}

interface TimeQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

function timesOf({ from, to }: TimeQuery): { fromMs?: number; toMs?: number } {
  return {
    ...(from !== undefined && { fromMs: from }),
    ...(to !== undefined && { toMs: to }),
  };
}

function attributesOf(asked: string | readonly string[] | undefined): Record<string, string> {
  const pairs = asked === undefined ? [] : typeof asked === 'string' ? [asked] : asked;
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new OmoiError('invalid_request', `attribute: "${pair}" is not of the form key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
