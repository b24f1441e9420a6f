import { OmoiError, parseDuration } from '#telemetry';
import { z } from 'zod';
import { printable } from './query/printable.ts';
import { clientOf, serverOf, type ServerFlags } from './server-client.ts';

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
  if (flags.json === true) return print(answer);
  process.stdout.write(lineOf(maintenance.parse(answer)));
}

/** `omoi maintenance list` */
export async function listMaintenances(flags: ServerFlags): Promise<void> {
  const answer = await clientOf(serverOf(flags)).call('GET', PATH);
  if (flags.json === true) return print(answer);
  const { maintenances } = maintenanceList.parse(answer);
  if (maintenances.length === 0) process.stdout.write('nothing is under maintenance\n');
  for (const one of maintenances) process.stdout.write(lineOf(one));
}

/** `omoi maintenance end` */
export async function endMaintenance(id: string, flags: ServerFlags): Promise<void> {
  const answer = await clientOf(serverOf(flags)).call('DELETE', `${PATH}/${encodeURIComponent(id)}`);
  if (flags.json === true) print(answer);
  else process.stdout.write(`maintenance ${id} has ended\n`);
}

function lineOf({ id, target, reason, started_by: by, until }: z.output<typeof maintenance>): string {
  return `${id}  ${target.kind}:${target.id}  until ${until}  by ${printable(by)}: ${printable(reason)}\n`;
}

function print(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
