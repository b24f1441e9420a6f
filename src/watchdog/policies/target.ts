import type { TargetKind } from '#telemetry';

/** What a remediation acts on. */
export type Target =
  | {
      readonly kind: 'agent';
      readonly id: string;
      readonly poolId: string | null;
      /** Whether Omoi starts and stops it. */
      readonly managed: boolean;
      readonly generation: number;
      /** Whether that generation is still coming up: what is alerted about may have been the one before it. */
      readonly spawning: boolean;
    }
  | { readonly kind: 'pool'; readonly id: string; readonly poolId: string };

/** `agent:w-1`, `pool:demo`: how events, spans and queues name a target. */
export function targetText(target: { readonly kind: TargetKind; readonly id: string }): string {
  return `${target.kind}:${target.id}`;
}
