import { z } from 'zod';

/** A server's process, well enough known to tell later whether it still runs. */
export interface ServerProcess {
  readonly bootId: string;
  /** Pids compare within one namespace alone: containers of one host share its boot, not its pids. */
  readonly pidNamespace: string | null;
  readonly pid: number;
  /** Since the boot, in clock ticks; null where the system does not tell. */
  readonly startTicks: number | null;
}

/** What a server says of itself, and knows of others. */
export interface ServerProcesses {
  readonly self: ServerProcess;
  /** True only where it is certain: a process of this machine that is gone. */
  hasEnded(other: ServerProcess): boolean;
}

/** Who holds the lease, as the row says. */
export interface LeaseHolder {
  /** Of one run of a server. */
  readonly serverId: string;
  /** For people: `omoi <host> pid <pid>`. */
  readonly name: string;
  readonly process: ServerProcess | null;
}

const holderText = z.object({
  name: z.string(),
  process: z
    .object({
      bootId: z.string(),
      pidNamespace: z.string().nullable(),
      pid: z.number(),
      startTicks: z.number().nullable(),
    })
    .nullable(),
});

export function holderToText({ name, process }: LeaseHolder): string {
  return JSON.stringify({ name, process });
}

/** Of a text of another version no more than that there is a holder. */
export function holderOf(serverId: string, text: string): LeaseHolder {
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Written by hand: it says nothing.
  }
  const parsed = holderText.safeParse(json);
  return parsed.success ? { serverId, ...parsed.data } : { serverId, name: 'a server', process: null };
}
