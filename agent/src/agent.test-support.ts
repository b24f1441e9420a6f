import { afterEach, beforeEach } from 'vitest';
import { createAgent, type Agent, type AgentOptions } from './index.ts';
import { ScriptedServer } from './scripted-server.test-support.ts';

/** A server that does as it is told, and agents of it. */
export interface AgentStage {
  readonly server: ScriptedServer;
  /** What the agents told their host. */
  readonly errors: readonly string[];
  readonly open: (options?: AgentOptions) => Agent;
}

/** A stage of its own for each test of a file; its agents have drained behind it. */
export function useTestAgents(): AgentStage {
  let server = new ScriptedServer();
  let agents: Agent[] = [];
  let errors: string[] = [];
  beforeEach(async () => {
    server = new ScriptedServer();
    await server.open();
    agents = [];
    errors = [];
  });
  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent.drain()));
    await server.goAway();
  });
  return {
    get server() {
      return server;
    },
    get errors() {
      return errors;
    },
    open(options = {}) {
      const agent = createAgent({
        url: server.url,
        agentId: 'coders-1',
        token: 'secret',
        handleSigterm: false,
        graceMs: 500,
        onError: (error) => errors.push(error.message),
        ...options,
      });
      agents.push(agent);
      return agent;
    },
  };
}

/** A handler that a test lets go on. */
export function held(): { readonly handler: () => Promise<string>; release(): void } {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { handler: () => gate.then(() => 'done'), release: () => release() };
}

export const refusal =
  (code: string, status = 409) =>
  () => ({
    status,
    body: { error: code, message: `it is ${code}` },
  });
