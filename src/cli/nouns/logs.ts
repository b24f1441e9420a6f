import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { OmoiError } from '#telemetry';
import { clientForNamed } from '../named-client.ts';
import { serverOf, type FollowFlags } from '../server-client.ts';
import { painted, wantsColours } from '../terminal/colours.ts';
import { harmlessOutput } from '../terminal/harmless-output.ts';
import { note, printJson } from '../terminal/print.ts';

export interface LogFlags extends FollowFlags {
  readonly lines: number;
  readonly generation?: number;
  readonly stream: 'both' | 'stdout' | 'stderr';
}

const stream = z.object({ text: z.string(), skipped: z.boolean() });
const output = z.object({
  agent_id: z.string(),
  generation: z.number(),
  kept: z.boolean(),
  stdout: stream,
  stderr: stream,
  cursor: z.string(),
});
type Output = z.output<typeof output>;

/** How long one question waits for more: the server answers as soon as there is something. */
const WAIT_MS = 25_000;
const RETRY_MS = 500;

/** `omoi logs`: the end of what an agent put out, and with `-f` what it goes on with, over its restarts. */
export async function showOutput(agentId: string, flags: LogFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const read = async (more: Readonly<Record<string, string>>): Promise<Output> => {
    const query = new URLSearchParams({
      ...(flags.generation !== undefined && { generation: String(flags.generation) }),
      ...more,
    });
    const path = `/api/v1/fleet/agents/${encodeURIComponent(agentId)}/output?${query.toString()}`;
    return output.parse(await client.call('GET', path));
  };
  const first = await read({ lines: String(flags.lines) });
  const writer = new OutputWriter(flags);
  writer.write(first);
  if (flags.follow !== true && flags.json !== true) {
    if (!first.kept) note(nothingKept(first));
    else if (!writer.hasWritten) note(nothingYet(first, flags));
  }
  let isAway = false;
  for (let { cursor } = first; flags.follow === true;) {
    try {
      const next = await read({ cursor, wait_ms: String(WAIT_MS) });
      ({ cursor } = next);
      writer.write(next);
      if (isAway) note('the server is back');
      isAway = false;
    } catch (thrown) {
      if (thrown instanceof OmoiError && !AWAY.has(thrown.code)) throw thrown;
      if (!isAway) note('the server has gone; waiting for it …');
      isAway = true;
      await delay(RETRY_MS);
    }
  }
}

const AWAY: ReadonlySet<string> = new Set(['not_found', 'shutting_down', 'not_ready', 'server_busy']);

function nothingKept({ agent_id: id, generation }: Output): string {
  return `this server has no output of ${id}, generation ${generation}: none has come, it is kept where the agent runs, or it was given up for newer ones`;
}

function nothingYet({ agent_id: id, generation }: Output, { stream }: LogFlags): string {
  const what = stream === 'both' ? 'nothing' : `nothing on ${stream}`;
  return `${id} has put out ${what} in generation ${generation}; omoi logs ${id} -f waits for it`;
}

/** Writes output so that the terminal only shows it; what went to the errors is red where there are colours. */
class OutputWriter {
  readonly #flags: LogFlags;
  readonly #colours = wantsColours(process.stdout);
  #generation: number | null = null;
  #isWithinLine = false;
  /** Whether there was anything to show. */
  hasWritten = false;

  constructor(flags: LogFlags) {
    this.#flags = flags;
  }

  write(read: Output): void {
    if (this.#flags.json === true) {
      if (read.stdout.text !== '' || read.stderr.text !== '' || this.#generation === null) printJson(read);
      this.#generation = read.generation;
      return;
    }
    if (this.#generation !== null && this.#generation !== read.generation)
      this.#say(`${read.agent_id}, generation ${read.generation}`);
    const isFirst = this.#generation === null;
    this.#generation = read.generation;
    for (const name of ['stdout', 'stderr'] as const) {
      if (this.#flags.stream !== 'both' && this.#flags.stream !== name) continue;
      const { text, skipped } = read[name];
      if (skipped && !isFirst) this.#say(`some of its ${name} is left out`);
      if (text === '') continue;
      this.hasWritten = true;
      const shown = harmlessOutput(text);
      process.stdout.write(this.#colours && name === 'stderr' ? painted(shown, 'red') : shown);
      this.#isWithinLine = !shown.endsWith('\n');
    }
  }

  #say(what: string): void {
    if (this.#isWithinLine) process.stdout.write('\n');
    this.#isWithinLine = false;
    note(what);
  }
}
