import { OmoiError, parseDuration } from '#telemetry';
import { z } from 'zod';
import { printable } from './query/printable.ts';
import { followWhole } from './follow-rows.ts';
import { clientOf, serverOf, type FollowFlags, type ServerFlags } from './server-client.ts';
import { note, printJson, printLines, tableFor } from './terminal/print.ts';
import type { Column } from './terminal/table.ts';

export interface MaintenanceStart extends ServerFlags {
  readonly for: string;
  readonly reason: string;
}

const PATH = '/api/v1/watchdog/maintenance';

const maintenance = z.object({
  id: z.string(),
  target: z.object({ kind: z.string(), id: z.string() }),
  reason: z.string(),
  started_by: z.string(),
  until: z.string(),
});
const maintenanceList = z.object({ maintenances: z.array(maintenance) });

/** `omoi maintenance start`: nothing is done to the target until then. */
export async function startMaintenance(target: string, flags: MaintenanceStart): Promise<void> {
  const durationMs = parseDuration(flags.for);
  if (durationMs === null) {
    throw new OmoiError('invalid_request', `--for: "${flags.for}" is no duration; write 30m, 2h, 1d`);
  }
  const order = { target, duration_ms: durationMs, reason: flags.reason };
  const answer = await clientOf(serverOf(flags)).call('POST', PATH, order);
  if (flags.json === true) return printJson(answer);
  process.stdout.write(lineOf(maintenance.parse(answer)));
}

/** `omoi maintenance list` */
export async function listMaintenances(flags: FollowFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  const print = async (): Promise<void> => {
    const answer = await client.call('GET', PATH);
    if (flags.json === true) return printJson(answer);
    const { maintenances } = maintenanceList.parse(answer);
    if (maintenances.length === 0) note('nothing is under maintenance');
    else printLines(tableFor(COLUMNS).linesOf(maintenances));
  };
  if (flags.follow !== true) return print();
  await followWhole(server, { types: ['watchdog.maintenance'], print });
}

const COLUMNS: readonly Column<z.output<typeof maintenance>>[] = [
  { heading: 'ID', of: ({ id }) => id },
  { heading: 'TARGET', of: ({ target }) => `${target.kind}:${target.id}` },
  { heading: 'UNTIL', of: ({ until }) => until },
  { heading: 'BY', of: ({ started_by: by }) => by },
  { heading: 'REASON', of: ({ reason }) => reason, mayShrink: true },
];

/** `omoi maintenance end` */
export async function endMaintenance(id: string, flags: ServerFlags): Promise<void> {
  const answer = await clientOf(serverOf(flags)).call('DELETE', `${PATH}/${encodeURIComponent(id)}`);
  if (flags.json === true) printJson(answer);
  else process.stdout.write(`maintenance ${id} has ended\n`);
}

function lineOf({ id, target, reason, started_by: by, until }: z.output<typeof maintenance>): string {
  return `${id}  ${target.kind}:${target.id}  until ${until}  by ${printable(by)}: ${printable(reason)}\n`;
}
