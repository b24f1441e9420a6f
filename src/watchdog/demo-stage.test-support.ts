import { afterEach } from 'vitest';
import { becomes, heldBy, openDemoStage, openStage, type Stage } from './watchdog.test-support.ts';

/** The stage of the test that runs: each test opens its own, which is closed when it is over. */
export interface StageOfTest extends Stage {
  /** A watchdog over two agents, `w-1` and `w-2`, and a pool `demo`. */
  open(...policies: readonly string[]): Promise<Stage>;
  /** A watchdog over nobody yet; parameters as of `openStage`. */
  openEmpty(...parameters: Parameters<typeof openStage>): Promise<Stage>;
  /** Resolves when the remediation of an alert is in a state, and when a guard holds it. */
  readonly becomes: (alertId: string, state: string) => Promise<void>;
  readonly heldBy: (alertId: string, guard: string) => Promise<void>;
}

/** For all tests of a file. */
export function useDemoStage(): StageOfTest {
  let opened: Stage | null = null;
  const present = (): Stage => {
    if (!opened) throw new Error('the test has opened no stage');
    return opened;
  };
  const close = async (): Promise<void> => {
    const stage = opened;
    opened = null;
    await stage?.close();
  };
  const keep = async (opening: Promise<Stage>): Promise<Stage> => {
    await close();
    return (opened = await opening);
  };
  afterEach(close);
  return {
    open: (...policies) => keep(openDemoStage(policies)),
    openEmpty: (...parameters) => keep(openStage(...parameters)),
    close,
    becomes: (alertId, state) => becomes(present(), alertId, state),
    heldBy: (alertId, guard) => heldBy(present(), alertId, guard),
    get clock() {
      return present().clock;
    },
    get database() {
      return present().database;
    },
    get fleet() {
      return present().fleet;
    },
    get alerts() {
      return present().alerts;
    },
    get archive() {
      return present().archive;
    },
    get tracing() {
      return present().tracing;
    },
    get metrics() {
      return present().metrics;
    },
    get watchdog() {
      return present().watchdog;
    },
    isDead: () => present().isDead(),
    kill: () => present().kill(),
    killAfterCommits: (count) => present().killAfterCommits(count),
    events: () => present().events(),
    changeStatus: (agentId, facts) => present().changeStatus(agentId, facts),
    blame: (agentId, generation) => present().blame(agentId, generation),
    distrust: (reason) => present().distrust(reason),
    restartProcess: (policies) => present().restartProcess(policies),
  };
}
