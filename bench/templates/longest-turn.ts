/** What work took of the main thread. */
export interface TurnReadings {
  readonly turns: number;
  readonly cpuMs: number;
  /** The most CPU time between two turns of the event loop. */
  readonly longestCpuMs: number;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Does work and looks at the CPU time of each turn of the event loop until it is done. */
export async function measureTurns(work: () => Promise<unknown>): Promise<TurnReadings> {
  const startedMs = cpuMs();
  let lookedMs = startedMs;
  let longestCpuMs = 0;
  let turns = 0;
  let isOver = false;
  const look = (): void => {
    const nowMs = cpuMs();
    longestCpuMs = Math.max(longestCpuMs, nowMs - lookedMs);
    lookedMs = nowMs;
    turns++;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  try {
    await work();
  } finally {
    isOver = true;
  }
  look();
  return { turns, cpuMs: lookedMs - startedMs, longestCpuMs };
}
