import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessTable, findProcess } from '#fleet';
import { z } from 'zod';

const FILE = 'server.json';

const runningServer = z.object({
  pid: z.number().int(),
  /** With the pid they name one process for ever; null where the system does not tell them, as in files of older versions. */
  start_ticks: z.number().int().nullable().default(null),
  boot_id: z.string().nullable().default(null),
  /** Where the API and the dashboard listen. */
  url: z.string(),
  /** The Unix socket on which the owner of the data directory is admin without a token; null where it is off. */
  socket: z.string().nullable(),
});

/** What a running server tells the command line about itself, in its data directory. */
export type RunningServer = z.output<typeof runningServer>;

const table = createProcessTable();

/** This process is the server of a data directory. */
export function announceServer(dataDirectory: string, where: Pick<RunningServer, 'url' | 'socket'>): void {
  const file = join(dataDirectory, FILE);
  const stat = table.stat(process.pid);
  const server: RunningServer = {
    pid: process.pid,
    start_ticks: stat?.startTicks ?? null,
    boot_id: stat ? table.bootId() : null,
    ...where,
  };
  writeFileSync(`${file}.new`, `${JSON.stringify(server)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function withdrawServer(dataDirectory: string): void {
  rmSync(join(dataDirectory, FILE), { force: true });
}

/**
 * The server that runs on a data directory, or null. A file that a crash left behind counts as none, also where another
 * process has the server's pid by now.
 */
export function findServer(dataDirectory: string): RunningServer | null {
  const last = lastAnnouncement(dataDirectory);
  return last !== null && isRunning(last) ? last : null;
}

/** What the last server on a data directory told about itself, whether it runs or not; null where it withdrew it. */
export function lastAnnouncement(dataDirectory: string): RunningServer | null {
  let written: unknown;
  try {
    written = JSON.parse(readFileSync(join(dataDirectory, FILE), 'utf8'));
  } catch {
    // There is none, or a power cut has left half of it.
    return null;
  }
  const parsed = runningServer.safeParse(written);
  return parsed.success ? parsed.data : null;
}

function isRunning({ pid, start_ticks: startTicks, boot_id: bootId }: RunningServer): boolean {
  if (startTicks !== null && bootId !== null) return findProcess(table, { bootId, pid, startTicks }) !== null;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
