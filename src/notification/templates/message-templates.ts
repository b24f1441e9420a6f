import type { Labels } from '#telemetry';
import type { Message } from '../message.ts';

/** The templates of a configuration, and what a text becomes for a message. */
export interface MessageTemplates {
  /** @throws TemplateFailure naming the template, the place and why */
  text(template: string, message: Message): string;
  /** Values are escaped where they stand in HTML. @throws TemplateFailure */
  html(template: string, message: Message): string;
  /**
   * The labels of a route for a group of alerts, expanded: `message.routeLabels` as they are written become what they say of
   * the message.
   * @throws TemplateFailure
   */
  routeLabels(message: Message): Labels;
  /**
   * Whether it can be parsed, with the templates that it calls, and where it is HTML, whether it is clear what each value
   * stands in; null, or what is wrong. Runs nothing.
   */
  problemOf(template: string, form?: 'text' | 'html'): string | null;
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
