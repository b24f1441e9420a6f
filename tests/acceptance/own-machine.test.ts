import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { OwnMachine } from '../../src/cli/gameday/own-machine.ts';
import { dataDirectory } from './support/omoi-process.ts';
import { until } from './support/until.ts';

// The machine on which the game day `reboot` takes place.

const data = dataDirectory();
afterAll(() => data.remove());

const reasonAgainst = OwnMachine.reasonAgainst();
const seen = join(data.path, 'seen');

/** What the program that runs on it sees: its pid and the boot id; and it stays. */
async function boot(machine: OwnMachine, strangers: readonly number[]): Promise<readonly string[]> {
  rmSync(seen, { force: true });
  machine.boot(strangers);
  await until(() => existsSync(seen) && readFileSync(seen, 'utf8').endsWith('\n'), 'the program runs');
  return readFileSync(seen, 'utf8').trim().split(' ');
}

it.skipIf(reasonAgainst !== null)(
  `has a boot id and pids of its own, and is gone as a whole (${reasonAgainst ?? 'it can be made here'})`,
  async () => {
    const program = `printf '%s %s\\n' $$ "$(cat /proc/sys/kernel/random/boot_id)" > ${seen}; exec sleep 1000`;
    const machine = new OwnMachine({ command: ['sh', '-c', program], env: process.env });
    // Also where it fails: what is left would hold the output of the tests open for ever.
    onTestFinished(() => machine.remove());
    const [pid, bootId] = await boot(machine, []);
    expect(machine.strangers()).toEqual({ started: [], alive: [] });

    await machine.crash();
    expect(machine.isUp).toBe(false);
    // Also those of its own program, and of processes far above.
    const [pidAgain, otherBootId] = await boot(machine, [20, Number(pid), 7000]);
    expect(otherBootId).not.toBe(bootId);
    expect(pidAgain).not.toBe(pid);
    const taken = [20, Number(pid), 7000].toSorted((a, b) => a - b);
    // They are forked before the program is; each becomes what it is a moment later.
    await until(() => machine.strangers().alive.length === taken.length, 'the strangers run');
    expect(machine.strangers()).toEqual({ started: taken, alive: taken });
    await machine.remove();
    expect(machine.strangers().alive).toEqual([]);
  },
);
