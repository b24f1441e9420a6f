import type { OnCall, OnCallOverride, OnCallOverrides, OnCallPerson } from '#notification';
import { OmoiError, suggestKey, toRfc3339, type Clock } from '#telemetry';
import type { z } from 'zod';
import { OPERATORS, READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import {
  newOverrideBody,
  onCallAnswer,
  onCallQuery,
  overrideParams,
  overrideView,
} from './on-call-schemas.ts';

export interface OnCallRouteParts {
  readonly overrides: Pick<OnCallOverrides, 'add' | 'remove' | 'list'>;
  /** By the configuration in force. */
  readonly onCall: () => Pick<OnCall, 'schedules' | 'at' | 'nextChange' | 'has' | 'people'>;
  readonly clock: Pick<Clock, 'wallMs'>;
}

const PATH = '/api/v1/alerts/on-call';

/** `/api/v1/alerts/on-call`: who is on call, until when, and who stands in for whom. */
export function registerOnCallRoutes(app: ApiApp, { overrides, onCall, clock }: OnCallRouteParts): void {
  app.route({
    method: 'GET',
    url: PATH,
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'Who is on call by each schedule, and who is next',
      querystring: onCallQuery,
      response: { 200: onCallAnswer },
    },
    handler: ({ query }) => {
      const atMs = query.at ?? clock.wallMs();
      const inForce = onCall();
      return {
        at: toRfc3339(atMs),
        people: [...inForce.people()],
        schedules: [...inForce.schedules()].map(({ name, timeZone, layers }) => {
          const next = inForce.nextChange(name, atMs);
          return {
            schedule: name,
            time_zone: timeZone,
            on_call: viewOfPerson(inForce.at(name, atMs)),
            next: next && { at: toRfc3339(next.atMs), on_call: viewOfPerson(next.onCall) },
            layers: layers.map(({ people, rotation, during }) => ({
              people: [...people],
              rotation: typeof rotation === 'string' ? rotation : String(rotation.everyMs),
              during,
            })),
            overrides: overrides.list(name, atMs).map(viewOfOverride),
          };
        }),
      };
    },
  });
  app.route({
    method: 'POST',
    url: `${PATH}/overrides`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Put somebody on call in the place of whoever a schedule has, for a while',
      body: newOverrideBody,
      response: { 201: overrideView },
    },
    handler: async ({ body, principal }, reply) => {
      const inForce = onCall();
      const { schedule, person, starts_at: startsAtMs = null, comment } = body;
      if (!inForce.has(schedule)) {
        throw unknown(
          'schedule',
          schedule,
          [...inForce.schedules()].map(({ name }) => name),
        );
      }
      if (!inForce.people().includes(person)) throw unknown('person', person, inForce.people());
      const endsAtMs = body.ends_at ?? (startsAtMs ?? clock.wallMs()) + (body.duration_ms ?? 0);
      const by = principal.name;
      const added = await overrides.add({ schedule, person, startsAtMs, endsAtMs, comment, by });
      return reply.code(201).send(viewOfOverride(added));
    },
  });
  app.route({
    method: 'DELETE',
    url: `${PATH}/overrides/:override_id`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Take an override away: the schedule counts again',
      params: overrideParams,
      response: { 200: overrideView },
    },
    handler: async ({ params, principal }) =>
      viewOfOverride(await overrides.remove(params.override_id, principal.name)),
  });
}

function unknown(what: string, name: string, known: readonly string[]): OmoiError {
  return new OmoiError(
    'unknown_on_call',
    `there is no ${what} ${JSON.stringify(name)} in the routing configuration${suggestKey(name, known)}`,
  );
}

type PersonView = NonNullable<z.input<typeof onCallAnswer>['schedules'][number]['on_call']>;

function viewOfPerson(found: OnCallPerson | null): PersonView | null {
  if (!found) return null;
  const { person, receiver, override, layer } = found;
  return { person, receiver, override_id: override?.id ?? null, layer };
}

function viewOfOverride(override: OnCallOverride): z.input<typeof overrideView> {
  return {
    id: override.id,
    schedule: override.schedule,
    person: override.person,
    starts_at: toRfc3339(override.startsAtMs),
    ends_at: toRfc3339(override.endsAtMs),
    comment: override.comment,
    created_by: override.createdBy,
    created_at: toRfc3339(override.createdAtMs),
  };
}
