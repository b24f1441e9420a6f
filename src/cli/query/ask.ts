import { readFrom, type Server } from '../server-client.ts';
import { queryAnswer, type QueryAnswer } from './answer.ts';

/** @throws OmoiError with the server's own code, or `not_found` where none runs */
export async function askQuery(
  server: Server,
  path: 'query' | 'query_range',
  parameters: Readonly<Record<string, string>>,
): Promise<QueryAnswer> {
  const target = `/prometheus/api/v1/${path}?${new URLSearchParams(parameters).toString()}`;
  return queryAnswer.parse(await readFrom(server, target));
}

/** What is drawn: a point a step. */
export interface Range {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** @throws as `askQuery` */
export function askRange(
  server: Server,
  expression: string,
  { startMs, endMs, stepMs }: Range,
): Promise<QueryAnswer> {
  return askQuery(server, 'query_range', {
    query: expression,
    start: String(startMs / 1000),
    end: String(endMs / 1000),
    step: String(stepMs / 1000),
  });
}
