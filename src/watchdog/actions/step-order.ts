import { isOutage, messageOf, OmoiError, type Span } from '#telemetry';
import type { FleetActuator } from '../ports.ts';
import type { Remediation } from '../remediations/remediation.ts';
import type { ActionRow } from './action-rows.ts';
import { actionOf, type PolicyStep } from './actions.ts';
import type { Done } from './action.ts';
import type { ScaleOverrides } from './scale/scale-overrides.ts';
import { Overdue, type TimedCalls } from './timed-calls.ts';

/** What the fleet is asked for one step of a remediation. */
export interface StepOrder {
  readonly remediation: Remediation;
  readonly step: PolicyStep;
  /** The recorded intent; its attempts count this one too. */
  readonly action: ActionRow;
  /** `act`: do it, unless an earlier attempt has. `look`: only see whether an earlier attempt has done it. */
  readonly kind: 'act' | 'look';
}

export type OrderResult =
  | ({ readonly kind: 'done' } & Done)
  | { readonly kind: 'not_done' }
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly retryable: boolean;
      /** Omoi's own database was away. */
      readonly outage: boolean;
    }
  | { readonly kind: 'unknown'; readonly message: string };

export interface OrderParts {
  readonly fleet: FleetActuator;
  readonly overrides: ScaleOverrides;
  readonly calls: TimedCalls;
}

/** Takes an order to the fleet and waits for its answer, for a limited time. Never throws; ends the span. */
export async function carryOut(order: StepOrder, span: Span, parts: OrderParts): Promise<OrderResult> {
  const { step, action, kind } = order;
  const context = { ...parts, ...order, traceparent: span.traceparent };
  const does = actionOf(step);
  const isFirst = kind === 'act' && action.attempts === 1;
  try {
    const found = isFirst ? null : await parts.calls.within(does.findDone(step, context));
    if (found === null && kind === 'look') return { kind: 'not_done' };
    const done = found ?? (await parts.calls.within(does.act(step, context)));
    span.setAttributes({ 'omoi.detail': done.detail, 'omoi.attempt': action.attempts });
    return { kind: 'done', ...done };
  } catch (thrown) {
    const message = messageOf(thrown);
    span.fail(message);
    if (thrown instanceof Overdue) return { kind: 'unknown', message };
    const coded = thrown instanceof OmoiError ? thrown : null;
    // What carries no code is a defect or a broken connection: it may pass, and the attempts are limited.
    return { kind: 'failed', message, retryable: coded?.retryable ?? true, outage: isOutage(thrown) };
  } finally {
    span.end();
  }
}
