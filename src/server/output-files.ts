import { LogFiles, logLimitsOf, type ForgottenAmong, type UnitStarter } from '#fleet';
import type { SelfMetrics } from '#telemetry';
import type { Config } from './config/schema.ts';

interface OutputParts {
  readonly config: Config;
  readonly directory: string;
  readonly metrics: SelfMetrics;
  readonly starter: UnitStarter;
  readonly isForgotten: ForgottenAmong;
}

/** What managed agents put out, within the limits of the configuration. */
export function outputFiles({ config, directory, metrics, starter, isForgotten }: OutputParts): LogFiles {
  const {
    max_bytes_per_agent: maxAgentBytes,
    max_bytes: maxBytes,
    reserve_bytes: reserveBytes,
  } = config.fleet.output;
  const dropped = metrics.counter(
    'omoi_agent_output_dropped_bytes_total',
    'Output of agents that was given up, because files were too large, over the quota, or the disk was full.',
  );
  return new LogFiles(
    directory,
    logLimitsOf({ maxAgentBytes, maxBytes, reserveBytes }),
    (bytes) => dropped.add(bytes),
    (files, bytes) => starter.reserve({ files, bytes }),
    undefined,
    isForgotten,
  );
}
