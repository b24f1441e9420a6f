import {
  GoMap,
  GoStruct,
  GoTemplate,
  RULE_FUNCTION_NAMES,
  ruleTemplateFunctions,
  type RuleTemplateHost,
  type TemplateValue,
} from '#gotemplate';
import { messageOf, type Labels } from '#telemetry';

/** What a rule's template may speak of: `.Labels`, `.Value`, and the same as `$labels`, `$value`. */
export interface AlertTemplateData {
  readonly labels: Labels;
  readonly value: number;
  readonly externalLabels: Labels;
}

const VARIABLES = ['labels', 'externalLabels', 'externalURL', 'value'] as const;
/** Go's name of the root's type, for messages about a field that it does not have. */
const ROOT_TYPE =
  'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value float64 }';

/** A label's or annotation's template, parsed once. */
export class AlertTemplate {
  readonly text: string;
  /** Null for a text without actions: most labels are such. */
  readonly #template: GoTemplate | null;
  readonly #name: string;

  /**
   * @param alert the rule's name, for messages
   * @throws TemplateSyntaxError
   */
  constructor(text: string, alert: string) {
    this.text = text;
    this.#name = `__alert_${alert}`;
    this.#template = text.includes('{{')
      ? new GoTemplate(text, {
          name: this.#name,
          functionNames: RULE_FUNCTION_NAMES,
          variables: VARIABLES,
        })
      : null;
  }

  /** Whether it expands to its text, whatever it is about. */
  get isConstant(): boolean {
    return this.#template === null;
  }

  /** The expanded text; a template that fails while it runs says so in the text, as Prometheus does. */
  expand(data: AlertTemplateData, host: RuleTemplateHost): string {
    if (this.#template === null) return this.text;
    const labels = GoMap.ofTexts(data.labels);
    const externalLabels = GoMap.ofTexts(data.externalLabels);
    const { value } = data;
    const fields: readonly [string, TemplateValue][] = [
      ['Labels', labels],
      ['ExternalLabels', externalLabels],
      ['ExternalURL', host.externalUrl],
      ['Value', value],
    ];
    const values = [labels, externalLabels, host.externalUrl, value];
    try {
      return this.#template.run({
        data: new GoStruct(ROOT_TYPE, new Map(fields)),
        variables: new Map(VARIABLES.map((name, place) => [name, values[place] ?? null])),
        functions: ruleTemplateFunctions(host),
      });
    } catch (thrown) {
      return `<error expanding template: error executing template ${this.#name}: ${messageOf(thrown)}>`;
    }
  }
}
