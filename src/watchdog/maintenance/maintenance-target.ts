import { MAINTENANCE_KINDS, OmoiError, type MaintenanceKind } from '#telemetry';
import type { FleetActuator } from '../ports.ts';

export interface MaintenanceTarget {
  readonly kind: MaintenanceKind;
  readonly id: string;
}

/** Where an agent, or what an alert is about, stands in the fleet; what is unknown is null. */
export interface FleetPlace {
  readonly agentId: string | null;
  readonly poolId: string | null;
  readonly host: string | null;
}

type Known = Pick<FleetActuator, 'agent' | 'hasPool' | 'hasHost'>;

const IS_KNOWN: Readonly<Record<MaintenanceKind, (id: string, fleet: Known) => boolean>> = {
  pool: (id, fleet) => fleet.hasPool(id),
  host: (id, fleet) => fleet.hasHost(id),
  agent: (id, fleet) => fleet.agent(id) !== null,
};

/** `pool:demo` */
export function maintenanceTargetText({ kind, id }: MaintenanceTarget): string {
  return `${kind}:${id}`;
}

/**
 * What a person means by `pool:demo`, or by `demo` where only one of pool, host and agent is called that.
 * @throws OmoiError `unknown_target`; `invalid_request` where it could be several
 */
export function resolveMaintenanceTarget(text: string, fleet: Known): MaintenanceTarget {
  const kind = MAINTENANCE_KINDS.find((one) => text.startsWith(`${one}:`));
  if (kind !== undefined) {
    const id = text.slice(kind.length + 1);
    if (IS_KNOWN[kind](id, fleet)) return { kind, id };
  }
  const kinds = MAINTENANCE_KINDS.filter((one) => IS_KNOWN[one](text, fleet));
  const [found, another] = kinds;
  if (found === undefined) {
    throw new OmoiError('unknown_target', `There is no pool, host or agent ${JSON.stringify(text)}.`);
  }
  if (another === undefined) return { kind: found, id: text };
  const choices = kinds.map((one) => maintenanceTargetText({ kind: one, id: text })).join(' or ');
  throw new OmoiError('invalid_request', `target: ${JSON.stringify(text)} is ambiguous: write ${choices}.`);
}

/** Whether what stands at that place is in the target. */
export function contains({ kind, id }: MaintenanceTarget, place: FleetPlace): boolean {
  switch (kind) {
    case 'pool':
      return place.poolId === id;
    case 'host':
      return place.host === id;
    case 'agent':
      return place.agentId === id;
  }
}
