import type { TemplateForm } from '#gotemplate';
import { type Labels, type SharedStretch } from '#telemetry';
import type { Message } from '../message.ts';

/** The templates of a configuration, and its route labels, which are templates too. */
export interface ConfiguredTemplates {
  /**
   * What a text becomes for a message, with pauses offered on the way: a message may be about thousands of alerts. In `html`
   * values are escaped where they stand.
   * @throws TemplateFailure naming the template, the place and why
   */
  expand(template: string, message: Message, form: TemplateForm): Generator<void, string>;
  /**
   * The labels of a route for a group of alerts, expanded: `message.routeLabels` as they are written become what they say of
   * the message.
   * @throws TemplateFailure
   */
  routeLabels(message: Message): Generator<void, Labels>;
  /**
   * Whether it can be parsed, with the templates that it calls, and where it is HTML, whether it is clear what each value
   * stands in; null, or what is wrong. Runs nothing.
   */
  problemOf(template: string, form?: TemplateForm): string | null;
}

/** What a text of a configuration becomes for a message, while everything else has its turns. */
export interface MessageTemplates {
  /** Rejects with a TemplateFailure naming the template, the place and why. */
  text(template: string, message: Message): Promise<string>;
  /** Values are escaped where they stand in HTML. Rejects with a TemplateFailure. */
  html(template: string, message: Message): Promise<string>;
}

/** What makes a template a text for one message. Rejects with a TemplateFailure. */
export type Expand = (template: string) => Promise<string>;

/** @param writing what all messages that are being written share of a turn */
export function pacedTemplates(configured: ConfiguredTemplates, writing: SharedStretch): MessageTemplates {
  return {
    text: (template, message) => writing.run(configured.expand(template, message, 'text')),
    html: (template, message) => writing.run(configured.expand(template, message, 'html')),
  };
}

/** A template that could not be run: the message that it was for is not sent by it, and says so. */
export class TemplateFailure extends Error {
  override readonly name = 'TemplateFailure';
  /** Whether it is because there is too much to say: of fewer alerts it may be made. */
  readonly isTooLong: boolean;

  constructor(message: string, { isTooLong = false }: { readonly isTooLong?: boolean } = {}) {
    super(message);
    this.isTooLong = isTooLong;
  }
}
