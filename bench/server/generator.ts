import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Job, JobResult } from './job.ts';

const PROCESS = fileURLToPath(new URL('./generator-process.ts', import.meta.url));

/** The load generator, in a process of its own. */
export class Generator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(PROCESS, [], {
      execArgv: ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning'],
    });
  }

  /** @throws what the server said, where it refused all that the job consists of */
  async run(job: Job): Promise<JobResult> {
    this.#child.send(job);
    const [answer] = (await once(this.#child, 'message')) as [{ result: JobResult } | { refused: string }];
    if ('refused' in answer) throw new Error(answer.refused);
    return answer.result;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
