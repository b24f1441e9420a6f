import type { RemediationOutcome, Span, Tracing } from '#telemetry';
import { targetOf, type Remediation } from './remediation.ts';

/**
 * The long spans of remediations. A span lives in memory until its remediation ends; where a crash took it, the
 * remediation that goes on gets a new one under the same parent's trace.
 */
export class RemediationSpans {
  readonly #tracing: Tracing;
  readonly #spans = new Map<string, Span>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  /** Starts the span of a remediation that is on disk, or about to be. @returns its traceparent */
  begin(remediation: Remediation, how: 'planned' | 'resumed'): string {
    const span = this.#tracing.startSpan('watchdog.remediation', {
      parent: remediation.traceparent,
      attributes: {
        'omoi.remediation.id': remediation.id,
        'omoi.policy': remediation.policy,
        'omoi.alert.id': remediation.alert_id,
        'omoi.target': targetOf(remediation),
        ...(how === 'resumed' && { 'omoi.resumed': true }),
      },
    });
    this.#spans.set(remediation.id, span);
    return span.traceparent;
  }

  /** The remediation was not written after all: its span is of nothing. */
  discard(remediationId: string): void {
    this.#spans.delete(remediationId);
  }

  /** The span of one order of a step. */
  step(remediation: Remediation, action: string): Span {
    return this.#tracing.startSpan(`watchdog.step.${action}`, {
      parent: remediation.traceparent,
      attributes: { 'omoi.remediation.id': remediation.id },
    });
  }

  /** The effect of a step has been judged: the span reaches from the end of the action to now. */
  verified(
    remediation: Remediation,
    judged: { readonly outcome: RemediationOutcome; readonly isIneffective: boolean },
  ): void {
    const span = this.#tracing.startSpan('watchdog.verify', {
      parent: remediation.traceparent,
      attributes: { 'omoi.remediation.id': remediation.id, 'omoi.outcome': judged.outcome },
      startAtMs: remediation.updated_at_ms,
    });
    if (judged.isIneffective) span.fail(judged.outcome);
    span.end();
  }

  end(remediation: Remediation): void {
    const span = this.#spans.get(remediation.id);
    if (!span) return;
    this.#spans.delete(remediation.id);
    span.setAttributes({ 'omoi.outcome': remediation.outcome ?? '', 'omoi.state': remediation.state });
    if (remediation.state === 'escalated') span.fail(remediation.reason ?? 'escalated');
    span.end();
  }

  /** The process stops: what is known of open remediations is kept. */
  endAll(): void {
    for (const span of this.#spans.values()) span.end();
    this.#spans.clear();
  }
}
