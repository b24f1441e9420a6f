import type { Engine } from '#promql';
import type { AppendFeed, Queryable } from '#telemetry';
import { assembleAlerting, type Alerting, type AlertingEngineParts } from './alerting.ts';
import { promqlQueries } from './evaluation/promql-queries.ts';

export interface AlertingParts extends Omit<AlertingEngineParts, 'queries' | 'feed'> {
  readonly engine: Engine;
  /** What rules read, and what tells them that it has changed. */
  readonly source: Queryable & AppendFeed;
}

/** The alerting on the PromQL engine. Load the rules, then start it. */
export function createAlerting(parts: AlertingParts): Alerting {
  const { engine, source, ...others } = parts;
  return assembleAlerting({ ...others, queries: promqlQueries(engine, source), feed: source });
}
