import { expect, it, vi } from 'vitest';
import type { StateDatabase } from '#storage';
import type { Guard } from '#telemetry';
import { useDemoStage } from './demo-stage.test-support.ts';
import { becomes, heldBy, RESTART, silent } from './watchdog.test-support.ts';

/**
 * A database whose answer to the commit of the first suppression comes late: it is on disk, while whoever asked for it
 * does not know that yet. Over a network the answers of two commits may come either way round at any time.
 */
class LateAnswer {
  readonly #written = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  #isLate = false;

  /** Resolves when the suppression is on disk. */
  get written(): Promise<void> {
    return this.#written.promise;
  }

  release(): void {
    this.#released.resolve();
  }

  around(database: StateDatabase): StateDatabase {
    const suppressions = () => database.reader.selectFrom('watchdog_suppressions').select('guard').execute();
    return {
      ...database,
      transaction: async (work) => {
        const result = await database.transaction(work);
        if (this.#isLate || (await suppressions()).length === 0) return result;
        this.#isLate = true;
        this.#written.resolve();
        await this.#released.promise;
        return result;
      },
    };
  }
}

const stage = useDemoStage();

it.each<{
  readonly guard: Extract<Guard, 'paused' | 'storm'>;
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}>([
  {
    guard: 'paused',
    begin: () => stage.watchdog.pause('ann', 'maintenance'),
    end: () => stage.watchdog.resume('ann'),
  },
  {
    guard: 'storm',
    begin: async () => {
      stage.fleet.silent = 3;
      await stage.clock.advance(1000);
    },
    end: async () => {
      stage.fleet.silent = 0;
      await stage.clock.advance(40_000);
    },
  },
])(
  'a remediation is decided again where $guard ends before it knows that it is held back',
  async ({ guard, begin, end }) => {
    const answer = new LateAnswer();
    await stage.openEmpty([RESTART], {}, (database) => answer.around(database));
    for (const agentId of ['w-1', 'w-2', 'w-3', 'w-4']) stage.fleet.addAgent(agentId);
    await begin();
    await vi.waitFor(() => expect(stage.watchdog.states.get(guard)).not.toBeNull());
    await stage.alerts.raise('a1', silent('w-1'));
    await answer.written;
    // Whoever is held back is called here, and it is not yet.
    await end();
    await vi.waitFor(() => expect(stage.watchdog.states.get(guard)).toBeNull());
    answer.release();
    // No time passes: it is not its own timer that has it asked again.
    await becomes(stage, 'a1', 'verifying');
  },
);

it('a remediation is decided again when the storm of its failure domain ends, while another goes on', async () => {
  await stage.openEmpty([RESTART]);
  const { fleet, clock, alerts } = stage;
  for (const name of ['a', 'b']) fleet.addAgent(name, { poolId: name, domains: [`pool:${name}`] });
  await clock.advance(1000);
  fleet.silent = 3;
  await clock.advance(1000);
  for (const name of ['a', 'b']) await alerts.raise(`alert-${name}`, silent(name));
  for (const name of ['a', 'b']) await heldBy(stage, `alert-${name}`, 'storm');
  expect(fleet.restarts).toEqual([]);
  fleet.silentIn.set('pool:a', 0);
  // The storm of the other one may not settle.
  for (let second = 0; second < 31; second++) {
    fleet.silent++;
    await clock.advance(1000);
  }
  await vi.waitFor(() => expect(fleet.restarts.map(({ agentId }) => agentId)).toEqual(['a']));
});
