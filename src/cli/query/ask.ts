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
