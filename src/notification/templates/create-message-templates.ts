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
import { type ConfiguredTemplates, TemplateFailure } from './message-templates.ts';

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

/** @throws TemplateFailure naming every file that can't be read as templates, with the place of its mistake */
export function createMessageTemplates({
  files,
  limits = MESSAGE_LIMITS,
}: MessageTemplateOptions): ConfiguredTemplates {
  const set = new TemplateSet({ functionNames: MESSAGE_FUNCTION_NAMES, limits });
  set.add(TEXT_TEMPLATES, 'default.tmpl');
  set.add(EMAIL_TEMPLATES, 'email.tmpl');
  const problems = files.flatMap(({ name, text }) => {
    try {
      set.add(text, basename(name), name);
      return [];
    } catch (thrown) {
      return [whatFailed(thrown, text, name).message];
    }
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

  *expand(template: string, message: Message, form: TemplateForm): Generator<void, string> {
    // oxlint-disable-next-line require-yield -- it is known
    function* routeLabel(name: string): Generator<void, string> {
      return labelValue(message.routeLabels, name);
    }
    return yield* this.#run(template, message, { form, routeLabel });
  }

  problemOf(template: string, form: TemplateForm = 'text'): string | null {
    if (!template.includes('{{') && form === 'text') return null;
    try {
      this.#set.check(template, form);
      return null;
    } catch (thrown) {
      return whatFailed(thrown, template, TEXT_NAME).message;
    }
  }

  *routeLabels(message: Message): Generator<void, Labels> {
    const resolver = new RouteLabelResolver(message.routeLabels, (text, routeLabel) =>
      this.#run(text, message, { form: 'text', routeLabel }),
    );
    const labels = emptyLabels();
    for (const name of Object.keys(message.routeLabels)) labels[name] = yield* resolver.resolve(name);
    return labels;
  }

  *#run(
    template: string,
    message: Message,
    { form, routeLabel }: { readonly form: TemplateForm; readonly routeLabel: RouteLabel },
  ): Generator<void, string> {
    if (form === 'text' && !template.includes('{{')) return template;
    const run: TemplateRun = {
      data: yield* this.#dataOf(message),
      functions: messageTemplateFunctions({
        nowMs: message.atMs,
        zones: this.#zones,
        patterns: this.#patterns,
        routeLabel,
      }),
    };
    try {
      return yield* this.#set.expand(template, run, form);
    } catch (thrown) {
      const { message: why, isTooLong } = whatFailed(thrown, template, TEXT_NAME);
      throw new TemplateFailure(`${shownTemplate(template)}: ${why}`, { isTooLong });
    }
  }

  *#dataOf(message: Message): Generator<void, TemplateValue> {
    const known = this.#data.get(message);
    if (known !== undefined) return known;
    const data = yield* messageData(message);
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

/** What reading or running a template has thrown, with the place in it. @throws what is no mistake of the template */
function whatFailed(thrown: unknown, source: string, sourceName: string): TemplateProblem {
  if (thrown instanceof TemplateSyntaxError) {
    const place = sourcePlace({ source, sourceName }, thrown.offset);
    return { message: `template: ${place}: ${thrown.message}`, isTooLong: false };
  }
  if (thrown instanceof TemplateRunError) return { message: thrown.message, isTooLong: thrown.exceedsLimit };
  throw thrown;
}

type RouteLabel = (name: string) => Generator<void, string>;
type ExpandLabel = (text: string, routeLabel: RouteLabel) => Generator<void, string>;

/** Labels of a route may name each other; each is expanded once. */
class RouteLabelResolver {
  readonly #labels: Labels;
  readonly #expand: ExpandLabel;
  readonly #expanded = new Map<string, string>();
  readonly #inProgress: string[] = [];

  constructor(labels: Labels, expand: ExpandLabel) {
    this.#labels = labels;
    this.#expand = expand;
  }

  /** @throws TemplateFailure where labels name each other in a circle */
  *resolve(name: string): Generator<void, string> {
    const known = this.#expanded.get(name);
    if (known !== undefined) return known;
    if (this.#inProgress.includes(name)) {
      throw new TemplateFailure(`route label cycle detected: ${[...this.#inProgress, name].join(' -> ')}`);
    }
    this.#inProgress.push(name);
    const text = yield* this.#expand(labelValue(this.#labels, name), (other) => this.resolve(other));
    this.#inProgress.pop();
    this.#expanded.set(name, text);
    return text;
  }
}
