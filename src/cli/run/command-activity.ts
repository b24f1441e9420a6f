import { TreeActivity, type ProcessTable } from '#fleet';
import type { ProcessActivity } from '#telemetry';
import type { WatchedCommand } from './watched-command.ts';

/** What a command does: its processes, and what it writes. */
export class CommandActivity {
  readonly #trees: TreeActivity;
  readonly #command: Pick<WatchedCommand, 'pid' | 'outputBytes'>;
  #outputBytes = 0;
  #last: ProcessActivity = 'idle';

  constructor(table: ProcessTable, command: Pick<WatchedCommand, 'pid' | 'outputBytes'>) {
    this.#trees = new TreeActivity(table);
    this.#command = command;
  }

  /** What the last look has found. */
  get last(): ProcessActivity {
    return this.#last;
  }

  /** What the command has done since the last look. */
  look(): ProcessActivity {
    const { pid, outputBytes } = this.#command;
    const wrote = outputBytes !== this.#outputBytes;
    this.#outputBytes = outputBytes;
    const seen = pid === null ? 'idle' : this.#lookAt(pid);
    this.#last = wrote && seen === 'idle' ? 'active' : seen;
    return this.#last;
  }

  /** Without pauses: nobody else waits in this process. */
  #lookAt(pid: number): ProcessActivity {
    const looking = this.#trees.look([{ pid, startTicks: null }]);
    for (;;) {
      const step = looking.next();
      if (step.done) return step.value.get(pid) ?? 'idle';
    }
  }
}
