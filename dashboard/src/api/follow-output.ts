import type { ApiClient } from './client.ts';
import { ApiError } from './client.ts';
import type { AgentOutputAnswer } from './wire.ts';

/** How many lines are there at the first look. */
const firstLines = 200;
/** How long the server waits for more: shorter than proxies wait for an answer. */
const waitMs = 20_000;
const restAfterFailureMs = 5_000;

export interface OutputListener {
  /** What is there, at first, and then what has come since the last call. */
  onRead(answer: AgentOutputAnswer): void;
  onFailure(error: ApiError): void;
}

/**
 * Tells an agent's output as it comes, until the signal ends it. What a new generation puts out follows what the last one did.
 * @param rest waits; a failure is no reason to ask without a pause
 */
export async function followOutput(
  client: Pick<ApiClient, 'get'>,
  {
    agentId,
    signal,
    listener,
  }: { readonly agentId: string; readonly signal: AbortSignal; readonly listener: OutputListener },
  rest: (ms: number, signal: AbortSignal) => Promise<void> = pause,
): Promise<void> {
  const path = `/api/v1/fleet/agents/${encodeURIComponent(agentId)}/output`;
  let cursor: string | null = null;
  while (!signal.aborted) {
    const asked =
      cursor === null ? `lines=${firstLines}` : `cursor=${encodeURIComponent(cursor)}&wait_ms=${waitMs}`;
    try {
      const answer: AgentOutputAnswer = await client.get<AgentOutputAnswer>(`${path}?${asked}`, signal);
      if (signal.aborted) return;
      cursor = answer.cursor;
      listener.onRead(answer);
    } catch (thrown) {
      if (signal.aborted) return;
      if (!(thrown instanceof ApiError)) throw thrown;
      listener.onFailure(thrown);
      // Who is asked for may not exist, or may not be seen: asking again does not help.
      if (thrown.status >= 400 && thrown.status < 500) return;
      await rest(restAfterFailureMs, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
