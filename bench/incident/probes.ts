import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Fleet } from './agent-probe.ts';
import type { Counts } from './event-counts.ts';
import type { Tokens } from './measured-server.ts';
import type { Latencies } from '../load/recorder.ts';

export interface ProbeSetup {
  readonly url: string;
  readonly tokens: Tokens;
  readonly fleet: Fleet;
  /** No server has run on its data before. */
  readonly isFresh: boolean;
}

export type ProbeOrder = 'begin' | 'end' | 'newest' | 'counts' | 'silence' | 'revive';

/** What those noticed who have nothing to do with the incident. */
export interface ProbeWindow {
  readonly alert_to_action: Latencies;
  readonly alerts_skipped: number;
  readonly heartbeats: Latencies;
  readonly claims: Latencies;
  readonly cpu_seconds: number;
}

const PROCESS = fileURLToPath(new URL('./probe-process.ts', import.meta.url));

/** The probes, in a process of their own: what the incident costs its senders does not slow them. */
export class Probes {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, answer }: { readonly id: number; readonly answer: unknown }) => {
      this.#asked.get(id)?.resolve(answer);
      this.#asked.delete(id);
    });
    child.on('exit', () => {
      for (const { reject } of this.#asked.values()) reject(new Error('the process of the probes has ended'));
    });
  }

  /** Resolves when agents are registered and all probes run. */
  static async start(setup: ProbeSetup): Promise<Probes> {
    const child = fork(PROCESS, [JSON.stringify(setup)], {
      execArgv: ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning'],
    });
    const probes = new Probes(child);
    await new Promise((resolve, reject) => probes.#asked.set(0, { resolve, reject }));
    return probes;
  }

  async begin(): Promise<void> {
    await this.#order('begin');
  }

  end(): Promise<ProbeWindow> {
    return this.#order('end');
  }

  /** The newest of the uninvolved alerts that was acted upon. */
  newest(): Promise<{ readonly tookMs: number; readonly agoMs: number } | null> {
    return this.#order('newest');
  }

  counts(): Promise<Counts> {
    return this.#order('counts');
  }

  async silence(): Promise<void> {
    await this.#order('silence');
  }

  async revive(): Promise<void> {
    await this.#order('revive');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #order<Answer>(order: ProbeOrder): Promise<Answer> {
    const id = ++this.#lastId;
    return new Promise<unknown>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#child.send({ id, order });
    }) as Promise<Answer>;
  }
}
