import type { Span, SpanAttributes, Tracing } from '#telemetry';
import type { Outcome, Remediation } from './remediation.ts';

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

  /** Starts the span of a remediation that is about to be planned. */
  open(parent: string | null, attributes: SpanAttributes): Span {
    return this.#tracing.startSpan('watchdog.remediation', { parent, attributes });
  }

  /** The remediation has been planned. */
  keep(remediationId: string, span: Span): void {
    span.setAttributes({ 'omoi.remediation.id': remediationId });
    this.#spans.set(remediationId, span);
  }

  resume(remediationId: string, traceparent: string | null): void {
    const attributes = { 'omoi.remediation.id': remediationId, 'omoi.resumed': true };
    this.#spans.set(
      remediationId,
      this.#tracing.startSpan('watchdog.remediation', { parent: traceparent, attributes }),
    );
  }

  /** The span of one order of a step. */
  step(remediation: Remediation, action: string): Span {
    return this.#tracing.startSpan(`watchdog.step.${action}`, {
      parent: remediation.traceparent,
      attributes: { 'omoi.remediation.id': remediation.id },
    });
  }

  /** The effect of a step has been judged: the span reaches from the end of the action to now. */
  verified(remediation: Remediation, judged: { readonly outcome: Outcome; readonly isVain: boolean }): void {
    const span = this.#tracing.startSpan('watchdog.verify', {
      parent: remediation.traceparent,
      attributes: { 'omoi.remediation.id': remediation.id, 'omoi.outcome': judged.outcome },
      startAtMs: remediation.updated_at_ms,
    });
    if (judged.isVain) span.fail(judged.outcome);
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
