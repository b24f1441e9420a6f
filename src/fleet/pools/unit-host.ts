import type { StateTables } from '#storage';
import type { Clock } from '#telemetry';
import type { Selectable } from 'kysely';

type HostColumns = Pick<Selectable<StateTables['agent_units']>, 'host' | 'host_boot_id'>;

/** The machine on which a server runs, and starts units. */
export interface OwnHost {
  /** Null where it is unknown. */
  readonly host: string | null;
  readonly clock: Pick<Clock, 'bootId'>;
}

export function hostColumns({ host, clock }: OwnHost): HostColumns {
  return { host, host_boot_id: clock.bootId };
}

/**
 * Whether a unit was started on another machine, whose processes can be neither seen nor signalled from here. A machine that was
 * booted anew has kept its name, or the boot its id: what ran there is looked for here, and has ended.
 */
export function isElsewhere({ host, host_boot_id: bootId }: HostColumns, own: OwnHost): boolean {
  return host !== null && own.host !== null && host !== own.host && bootId !== own.clock.bootId;
}
