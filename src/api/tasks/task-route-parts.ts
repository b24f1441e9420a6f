import type { Fleet } from '#fleet';

export interface TaskRouteParts {
  readonly fleet: Pick<Fleet, 'agents' | 'heartbeats' | 'tasks' | 'limits'>;
}
