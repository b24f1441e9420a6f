import type { LocalClient } from '../local-client.ts';
import type { EventFollower } from './event-follower.ts';
import type { Feed } from './feed.ts';

/** What the steps of a run act on. */
export interface Stage {
  readonly client: LocalClient;
  readonly follower: EventFollower;
  /** The newest event before the fault: what came earlier proves nothing about what follows. */
  faultAfterId: number;
  /** Feeds that run; the run stops what is left at its end. */
  readonly feeds: Set<Feed>;
}
