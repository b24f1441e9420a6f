import type { LocalClient } from '../local-client.ts';
import type { EventFollower } from './event-follower.ts';
import type { ExternalAgents } from './external-agents.ts';
import type { Feed } from './feed.ts';
import type { RebootableMachine } from './own-server.ts';
import type { GamedayWebhook } from './webhook.ts';

/** What the steps of a run act on. */
export interface Stage {
  readonly client: LocalClient;
  readonly follower: EventFollower;
  /** Of the server. */
  readonly dataDirectory: string;
  /** The server's own; null where it has none. */
  readonly machine: RebootableMachine | null;
  /** Whom the server tells of alerts; null where the run has none. */
  readonly webhook: GamedayWebhook | null;
  /** The newest event before the fault: what came earlier proves nothing about what follows. */
  faultAfterId: number;
  /** Wall ms when the fault was done; 0 before. */
  faultAt: number;
  /** Feeds that run; the run stops what is left at its end. */
  readonly feeds: Set<Feed>;
  /** Those that the run's client beats for; null where it has none. */
  externals: ExternalAgents | null;
  /** What the run has brought and takes away at its end, the newest first. */
  readonly cleanUps: (() => Promise<void>)[];
}
