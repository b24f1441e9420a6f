import type { FleetApi } from '../fleet-api.test-support.ts';

export const FLEET = '/api/v1/fleet';
export const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

export type Role = 'agent' | 'viewer' | 'operator' | 'ingest';

/** What asks a route of the fleet that is served when it is called: GET, or POST where there is a body. */
export function fleetCaller(served: () => FleetApi) {
  return async (role: Role, path: string, body?: unknown, method?: 'DELETE') => {
    const { api } = served();
    const answer = await api.app.inject({
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      url: `${FLEET}${path}`,
      headers: { ...api.as(role), host: 'omoi.example', traceparent: TRACEPARENT },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
}

export const registration = { agent_id: 'worker-1', agent_type: 'worker', nonce: 'a nonce of mine' };
export const build = { task_type: 'build', phase_id: 'PHASE_TESTING' };
