import type { SystemEvent } from '#telemetry';
import { z } from 'zod';
import { followEach } from '../follow-rows.ts';
import { printable } from '../query/printable.ts';
import { clientOf, serverOf, type FollowFlags, type ServerClient } from '../server-client.ts';
import { printJson, printLines } from '../terminal/print.ts';

export interface EventFlags extends FollowFlags {
  readonly type: readonly string[];
  readonly about?: string;
  readonly trace?: string;
  readonly limit: number;
}

const event = z.looseObject({
  id: z.number(),
  event_type: z.string(),
  entity_type: z.string(),
  entity_id: z.string(),
  payload: z.record(z.string(), z.unknown()),
  at: z.string(),
  traceparent: z.string().nullable(),
});

/** `omoi events`: the newest, the oldest of them first, and with `-f` what happens then. */
export async function listEvents(flags: EventFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  const print = (one: unknown): void =>
    flags.json === true ? printJson(one) : printLines([printable(eventLine(one))]);
  if (flags.follow !== true) {
    const events = await newestEvents(client, flags);
    if (flags.json === true) printJson({ events });
    else events.forEach(print);
    return;
  }
  let lastId = 0;
  await followEach(server, {
    types: flags.type,
    async onOpened() {
      const events = await newestEvents(client, flags);
      events.forEach(print);
      lastId = events.at(-1)?.id ?? 0;
    },
    onEvent(one) {
      if (one.id > lastId && isMeant(one, flags)) print(one);
    },
  });
}

async function newestEvents(client: ServerClient, flags: EventFlags) {
  if (flags.limit === 0) return [];
  const query = new URLSearchParams({ limit: String(flags.limit) });
  if (flags.type.length > 0) query.set('types', flags.type.join(','));
  if (flags.about !== undefined) query.set('entity_id', flags.about);
  if (flags.trace !== undefined) query.set('trace_id', flags.trace);
  const answer = await client.call('GET', `/api/v1/events?${query.toString()}`);
  return z
    .object({ events: z.array(event) })
    .parse(answer)
    .events.reverse();
}

function isMeant(one: SystemEvent, { about, trace }: EventFlags): boolean {
  const ofTrace = one.traceparent?.split('-')[1];
  return (about ?? one.entity_id) === one.entity_id && (trace ?? ofTrace) === ofTrace;
}

/** `2026-11-30T02:10:11.123Z  fleet.agent.status_changed  w-1  from=IDLE to=STALLED reason="stopped"`, not yet harmless. */
export function eventLine(read: unknown): string {
  const { at, event_type: type, entity_id: id, payload } = event.parse(read);
  const said = Object.entries(payload).flatMap(([name, value]) =>
    value === null || value === id || value === '' ? [] : [`${name}=${valueText(value)}`],
  );
  return [at, type, id, said.join(' ')].join('  ').trimEnd();
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"]*$/.test(text) ? text : JSON.stringify(text);
}
