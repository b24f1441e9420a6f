import {
  MESSAGE_FUNCTION_NAMES,
  messageTemplateFunctions,
  type RunLimits,
  sourcePlace,
  type TemplateForm,
  type TemplateRun,
  TemplateRunError,
  TemplateSet,
  TemplateSyntaxError,
  TEXT_NAME,
  type TemplateValue,
  Patterns,
  TimeZones,
} from '#gotemplate';
import { emptyLabels, type Labels, labelValue } from '#telemetry';
import { basename } from 'node:path';
import type { Message } from '../message.ts';
import { EMAIL_TEMPLATES } from './defaults/email-templates.ts';
import { TEXT_TEMPLATES } from './defaults/text-templates.ts';
import { messageData } from './message-data.ts';
import { type MessageTemplates, TemplateFailure } from './message-templates.ts';

/**
 * What the text of one template of a message may take. That of 500 alerts takes 70,000 steps as an e-mail; half a million
 * are some tenths of a second.
 */
export const MESSAGE_LIMITS: RunLimits = {
  maxCharacters: 1024 * 1024,
  maxSteps: 500_000,
  charactersPerStep: 16,
};

export interface MessageTemplateOptions {
  /** The files of the configuration in their order: later ones stand in the place of earlier ones, and of the defaults. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly limits?: RunLimits;
}

/** The templates of a configuration, and its route labels, which are templates too. */
export interface ConfiguredTemplates extends MessageTemplates {
  /**
   * The labels of a route for a group of alerts, expanded: `message.routeLabels` as they are written become what they
   * say of the message.
   * @throws TemplateFailure
   */
  routeLabels(message: Message): Labels;
}

/** @throws TemplateFailure naming every file that can't be read as templates, with the place of its mistake */
export function createMessageTemplates({
  files,
  limits = MESSAGE_LIMITS,
}: MessageTemplateOptions): ConfiguredTemplates {
  const set = new TemplateSet({ functionNames: MESSAGE_FUNCTION_NAMES, limits });
  set.add(TEXT_TEMPLATES, 'default.tmpl');
  set.add(EMAIL_TEMPLATES, 'email.tmpl');
  const problems = files.flatMap(({ name, text }) => {
    const problem = whatFails(text, name, () => set.add(text, basename(name), name));
    return problem === null ? [] : [problem.message];
  });
  const undefinedCall = problems.length === 0 ? set.undefinedCall() : null;
  if (undefinedCall !== null) problems.push(undefinedCall);
  if (problems.length > 0) throw new TemplateFailure(problems.join('\n'));
  return new SetOfMessageTemplates(set);
}

class SetOfMessageTemplates implements ConfiguredTemplates {
  readonly #set: TemplateSet;
  readonly #zones = new TimeZones();
  readonly #patterns = new Patterns();
  /** A message has many fields that are templates: what they speak of is made once. */
  readonly #data = new WeakMap<Message, TemplateValue>();

  constructor(set: TemplateSet) {
    this.#set = set;
  }

  text(template: string, message: Message): string {
    return this.#expand(template, message, 'text');
  }

  html(template: string, message: Message): string {
    return this.#expand(template, message, 'html');
  }

  problemOf(template: string, form: TemplateForm = 'text'): string | null {
    if (!template.includes('{{') && form === 'text') return null;
    const problem = whatFails(template, TEXT_NAME, () => {
      this.#set.check(template, form);
    });
    return problem?.message ?? null;
  }

  routeLabels(message: Message): Labels {
    const resolver = new RouteLabelResolver(message.routeLabels, (text, routeLabel) =>
      this.#run(text, message, { form: 'text', routeLabel }),
    );
    const labels = emptyLabels();
    for (const name of Object.keys(message.routeLabels)) labels[name] = resolver.resolve(name);
    return labels;
  }

  #expand(template: string, message: Message, form: TemplateForm): string {
    const routeLabel = (name: string): string => labelValue(message.routeLabels, name);
    return this.#run(template, message, { form, routeLabel });
  }

  #run(
    template: string,
    message: Message,
    { form, routeLabel }: { readonly form: TemplateForm; readonly routeLabel: (name: string) => string },
  ): string {
    if (form === 'text' && !template.includes('{{')) return template;
    const run: TemplateRun = {
      data: this.#dataOf(message),
      functions: messageTemplateFunctions({
        nowMs: message.atMs,
        zones: this.#zones,
        patterns: this.#patterns,
        routeLabel,
      }),
    };
    let text = '';
    const problem = whatFails(template, TEXT_NAME, () => {
      text = this.#set.expand(template, run, form);
    });
    if (problem !== null) {
      const { message: why, isTooLong } = problem;
      throw new TemplateFailure(`${shownTemplate(template)}: ${why}`, { isTooLong });
    }
    return text;
  }

  #dataOf(message: Message): TemplateValue {
    const known = this.#data.get(message);
    if (known !== undefined) return known;
    const data = messageData(message);
    this.#data.set(message, data);
    return data;
  }
}

const SHOWN_CHARACTERS = 60;

function shownTemplate(template: string): string {
  const isLong = template.length > SHOWN_CHARACTERS;
  return JSON.stringify(isLong ? `${template.slice(0, SHOWN_CHARACTERS)}…` : template);
}

/** What is wrong with a template, with its place. */
interface TemplateProblem {
  readonly message: string;
  readonly isTooLong: boolean;
}

/** Runs what reads or runs a template. @returns null where nothing is wrong with it */
function whatFails(source: string, sourceName: string, run: () => void): TemplateProblem | null {
  try {
    run();
    return null;
  } catch (thrown) {
    if (thrown instanceof TemplateSyntaxError) {
      const place = sourcePlace({ source, sourceName }, thrown.offset);
      return { message: `template: ${place}: ${thrown.message}`, isTooLong: false };
    }
    if (thrown instanceof TemplateRunError)
      return { message: thrown.message, isTooLong: thrown.exceedsLimit };
    throw thrown;
  }
}

/** Labels of a route may name each other; each is expanded once. */
class RouteLabelResolver {
  readonly #labels: Labels;
  readonly #expand: (text: string, routeLabel: (name: string) => string) => string;
  readonly #expanded = new Map<string, string>();
  readonly #inProgress: string[] = [];

  constructor(labels: Labels, expand: (text: string, routeLabel: (name: string) => string) => string) {
    this.#labels = labels;
    this.#expand = expand;
  }

  /** @throws TemplateFailure where labels name each other in a circle */
  resolve(name: string): string {
    const known = this.#expanded.get(name);
    if (known !== undefined) return known;
    if (this.#inProgress.includes(name)) {
      throw new TemplateFailure(`route label cycle detected: ${[...this.#inProgress, name].join(' -> ')}`);
    }
    this.#inProgress.push(name);
    const text = this.#expand(labelValue(this.#labels, name), (other) => this.resolve(other));
    this.#inProgress.pop();
    this.#expanded.set(name, text);
    return text;
  }
}
