import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const FILE = 'server.json';

const runningServer = z.object({
  pid: z.number().int(),
  /** Where the API and the dashboard listen. */
  url: z.string(),
  /** The Unix socket on which the owner of the data directory is admin without a token; null where it is off. */
  socket: z.string().nullable(),
});

/** What a running server tells the command line about itself, in its data directory. */
export type RunningServer = z.output<typeof runningServer>;

export function announceServer(dataDirectory: string, server: RunningServer): void {
  const file = join(dataDirectory, FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(server)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function withdrawServer(dataDirectory: string): void {
  rmSync(join(dataDirectory, FILE), { force: true });
}

/** The server that runs on a data directory, or null. A file that a crash left behind counts as none. */
export function findServer(dataDirectory: string): RunningServer | null {
  const last = lastAnnouncement(dataDirectory);
  return last !== null && isAlive(last.pid) ? last : null;
}

/** What the last server on a data directory told about itself, whether it runs or not; null where it withdrew it. */
export function lastAnnouncement(dataDirectory: string): RunningServer | null {
  let text: string;
  try {
    text = readFileSync(join(dataDirectory, FILE), 'utf8');
  } catch {
    return null;
  }
  const parsed = runningServer.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}

/** Whether there is a process with this id, as far as this user may see. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
