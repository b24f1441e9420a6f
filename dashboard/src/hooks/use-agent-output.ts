import { useEffect, useState } from 'react';
import { followOutput } from '../api/follow-output.ts';
import { useServer } from '../api/server-context.tsx';
import { appendOutput, NO_OUTPUT, type OutputText } from '../domain/output-text.ts';

export interface AgentOutput {
  /** Of which generation the last of it is; null before the first answer. */
  readonly generation: number | null;
  /** Whether the server has any of it. */
  readonly kept: boolean;
  readonly stdout: OutputText;
  readonly stderr: OutputText;
  /** Why it is not read now; null: it is. */
  readonly failure: string | null;
}

const BEFORE: AgentOutput = {
  generation: null,
  kept: false,
  stdout: NO_OUTPUT,
  stderr: NO_OUTPUT,
  failure: null,
};

/** An agent's output, as it comes while the page is open. */
export function useAgentOutput(agentId: string): AgentOutput {
  const { client } = useServer();
  const [output, setOutput] = useState(BEFORE);
  useEffect(() => {
    const ending = new AbortController();
    setOutput(BEFORE);
    void followOutput(client, {
      agentId,
      signal: ending.signal,
      listener: {
        onRead: ({ generation, kept, stdout, stderr }) =>
          setOutput((shown) => ({
            generation,
            kept: shown.kept || kept,
            stdout: appendOutput(shown.stdout, stdout),
            stderr: appendOutput(shown.stderr, stderr),
            failure: null,
          })),
        onFailure: ({ message }) => setOutput((shown) => ({ ...shown, failure: message })),
      },
    });
    return () => ending.abort();
  }, [client, agentId]);
  return output;
}
