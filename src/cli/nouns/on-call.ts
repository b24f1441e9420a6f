import { OmoiError, parseDuration } from '#telemetry';
import { z } from 'zod';
import { followAsked } from '../follow-asked.ts';
import { clientOf, serverOf, type FollowFlags, type ServerFlags } from '../server-client.ts';
import { glanceOf } from '../terminal/ages.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';

const PATH = '/api/v1/alerts/on-call';

const person = z.object({
  person: z.string(),
  receiver: z.string().nullable(),
  override_id: z.string().nullable(),
});
const override = z.object({
  id: z.string(),
  schedule: z.string(),
  person: z.string(),
  starts_at: z.string(),
  ends_at: z.string(),
  comment: z.string(),
});
const answer = z.object({
  at: z.string(),
  schedules: z.array(
    z.object({
      schedule: z.string(),
      on_call: person.nullable(),
      next: z.object({ at: z.string(), on_call: person.nullable() }).nullable(),
      overrides: z.array(override),
    }),
  ),
});

interface Row {
  readonly schedule: string;
  readonly onCall: string;
  readonly by: string;
  readonly until: string;
  readonly next: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: 'SCHEDULE', of: ({ schedule }) => schedule },
  { heading: 'ON CALL', of: ({ onCall }) => onCall },
  { heading: 'TOLD BY', of: ({ by }) => by },
  { heading: 'UNTIL', of: ({ until }) => until },
  { heading: 'THEN', of: ({ next }) => next },
];

type Override = z.output<typeof override>;

const OVERRIDE_COLUMNS: readonly Column<Override>[] = [
  { heading: 'OVERRIDE', of: ({ id }) => id },
  { heading: 'SCHEDULE', of: ({ schedule }) => schedule },
  { heading: 'WHO', of: (row) => row.person },
  { heading: 'FROM', of: (row) => row.starts_at },
  { heading: 'UNTIL', of: (row) => row.ends_at },
  { heading: 'REASON', of: ({ comment }) => comment, mayShrink: true },
];

export interface OnCallFlags extends FollowFlags {
  readonly at?: string;
}

/** `omoi on-call show` */
export async function showOnCall(flags: OnCallFlags): Promise<void> {
  const query = flags.at === undefined ? '' : `?at=${encodeURIComponent(flags.at)}`;
  const client = clientOf(serverOf(flags));
  const read = (): Promise<unknown> => client.call('GET', `${PATH}${query}`);
  const print = (said: unknown): void =>
    flags.json === true ? printJson(said) : printOnCall(answer.parse(said));
  if (flags.follow !== true) return print(await read());
  // Who is on call changes with the time, of which no event tells; the answer is printed whole, as a table of people is read.
  await followAsked({
    readAll: async () => [await read()],
    idOf: () => 'on call',
    stateOf: (said) => answer.parse(said).schedules,
    printAll: ([said]) => print(said),
    print,
    gone: () => undefined,
  });
}

function printOnCall({ at, schedules }: z.output<typeof answer>): void {
  if (schedules.length === 0) {
    return note('no schedule is configured: docs/alerting/on-call.md says how to write one');
  }
  const rows = schedules.map(({ schedule, on_call: now, next }): Row => ({
    schedule,
    onCall: nameOf(now),
    by: now?.receiver ?? '-',
    until: next === null ? '-' : `${next.at} (${glanceOf(Date.parse(next.at) - Date.parse(at))})`,
    next: next === null ? '-' : nameOf(next.on_call),
  }));
  printLines(tableFor(COLUMNS).linesOf(rows));
  const overrides = schedules.flatMap((one) => one.overrides);
  if (overrides.length > 0) printLines(['', ...tableFor(OVERRIDE_COLUMNS).linesOf(overrides)]);
}

function nameOf(one: z.output<typeof person> | null): string {
  if (one === null) return 'nobody';
  return one.override_id === null ? one.person : `${one.person} (override)`;
}

export interface OverrideFlags extends ServerFlags {
  readonly for?: string;
  readonly until?: string;
  readonly start?: string;
  readonly reason: string;
}

/** `omoi on-call override` */
export async function overrideOnCall(
  { schedule, person: who }: { readonly schedule: string; readonly person: string },
  flags: OverrideFlags,
): Promise<void> {
  const said = await clientOf(serverOf(flags)).call('POST', `${PATH}/overrides`, {
    schedule,
    person: who,
    comment: flags.reason,
    ...(flags.start !== undefined && { starts_at: flags.start }),
    ...endOf(flags),
  });
  if (flags.json === true) return printJson(said);
  const added = override.parse(said);
  note(`${added.person} is on call for ${added.schedule} until ${added.ends_at}: ${added.id}`);
}

function endOf({ for: duration, until }: OverrideFlags): object {
  if ((duration === undefined) === (until === undefined)) {
    throw new OmoiError('invalid_request', 'say until when by one of --for and --until');
  }
  if (duration === undefined) return { ends_at: until };
  const durationMs = parseDuration(duration);
  if (durationMs === null) {
    throw new OmoiError('invalid_request', `--for ${duration} is no duration; write 30m, 8h or 2d`);
  }
  return { duration_ms: durationMs };
}

/** `omoi on-call cancel` */
export async function cancelOverride(id: string, flags: ServerFlags): Promise<void> {
  const said = await clientOf(serverOf(flags)).call('DELETE', `${PATH}/overrides/${encodeURIComponent(id)}`);
  if (flags.json === true) return printJson(said);
  const { person: who, schedule } = override.parse(said);
  note(`${who} no longer stands in for ${schedule}`);
}
