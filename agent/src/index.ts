export { createAgent, type Agent, type Farewell } from './agent.ts';
export type { AgentOptions } from './options.ts';
export type { WorkOptions } from './work-loop.ts';
export type { Refusal, TaskContext, TaskHandler } from './task-run.ts';
export type {
  Counter,
  Gauge,
  Histogram,
  HistogramOptions,
  InstrumentOptions,
  MetricLabels,
} from './metrics.ts';
export type {
  AgentType,
  ClaimAnswer,
  ClaimedTask,
  ClaimRequest,
  CompleteRequest,
  CompletionsAnswer,
  CompletionsRequest,
  DeregisterRequest,
  ErrorAnswer,
  FailRequest,
  HeartbeatAnswer,
  HeartbeatRequest,
  ProcessActivity,
  ProcessReport,
  RegisterAnswer,
  RegisterRequest,
  RenewRequest,
  TaskClaim,
} from './wire.ts';
