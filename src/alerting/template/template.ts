import { messageOf, type Labels } from '#telemetry';
import { runTemplate } from './evaluator.ts';
import { TEMPLATE_FUNCTIONS, type TemplateHost } from './functions.ts';
import type { ParsedTemplate } from './nodes.ts';
import { parseTemplate } from './parser.ts';
import type { TemplateValue } from './value.ts';

/** What a rule's template may speak of: `.Labels`, `.Value`, and the same as `$labels`, `$value`. */
export interface AlertTemplateData {
  readonly labels: Labels;
  readonly value: number;
  readonly externalLabels: Labels;
}

const FUNCTION_NAMES: ReadonlySet<string> = new Set(TEMPLATE_FUNCTIONS.keys());
const VARIABLES = ['labels', 'externalLabels', 'externalURL', 'value'] as const;

/** A label's or annotation's template, parsed once. */
export class AlertTemplate {
  readonly text: string;
  /** Null for a text without actions: most labels are such. */
  readonly #parsed: ParsedTemplate | null;

  /** @throws TemplateSyntaxError */
  constructor(text: string) {
    this.text = text;
    this.#parsed = text.includes('{{') ? parseTemplate(text, FUNCTION_NAMES, VARIABLES) : null;
  }

  /** The expanded text; a template that fails while it runs says so in the text, as Prometheus does. */
  expand(data: AlertTemplateData, host: TemplateHost): string {
    if (this.#parsed === null) return this.text;
    const root: TemplateValue = {
      Labels: data.labels,
      ExternalLabels: data.externalLabels,
      ExternalURL: host.externalUrl,
      Value: data.value,
    };
    const variables = new Map<string, TemplateValue>([
      ['', root],
      ['labels', data.labels],
      ['externalLabels', data.externalLabels],
      ['externalURL', host.externalUrl],
      ['value', data.value],
    ]);
    try {
      return runTemplate(this.#parsed, { data: root, variables, functions: TEMPLATE_FUNCTIONS, host });
    } catch (thrown) {
      return `<error expanding template: ${messageOf(thrown)}>`;
    }
  }
}
