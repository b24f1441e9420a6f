import { commonTexts, type Message } from '../../message.ts';
import { truncateCharacters } from '../truncation.ts';
import { writtenTexts } from '../written-texts.ts';
import type { OpsgenieSettings, Responder } from './opsgenie-settings.ts';

/** What Opsgenie takes of a field, in characters: https://docs.opsgenie.com/docs/alerts-and-alert-fields, an undated copy; `note` and `entity` as its API was known. */
const maxMessage = 130;
const maxDescription = 15_000;
const maxNote = 25_000;
const maxEntity = 512;
const maxSource = 100;
const maxListed = { tags: 20, actions: 10 };
const maxWord = 50;

/** What makes a template a text for a message. */
export type Rendering = (template: string) => string;

/** The alert that a message creates; one alias is one alert at Opsgenie, which counts what comes again. */
export function opsgenieAlert(settings: OpsgenieSettings, message: Message, text: Rendering) {
  const details = Object.entries(settings.details).map(([name, value]) => [name, text(value)] as const);
  const texts = {
    description: truncateCharacters(text(settings.description), maxDescription),
    note: truncateCharacters(text(settings.note), maxNote),
    priority: text(settings.priority),
    entity: truncateCharacters(text(settings.entity), maxEntity),
  };
  const lists = {
    responders: settings.responders.flatMap((responder) => respondersOf(responder, text)),
    tags: wordsOf(text(settings.tags), maxListed.tags),
    actions: wordsOf(text(settings.actions), maxListed.actions),
  };
  return {
    message: truncateCharacters(text(settings.message), maxMessage),
    details: { ...commonTexts(message.alerts.map(({ labels }) => labels)), ...Object.fromEntries(details) },
    source: truncateCharacters(text(settings.source), maxSource),
    ...writtenTexts(texts),
    ...Object.fromEntries(Object.entries(lists).filter(([, values]) => values.length > 0)),
  };
}

/** Templates may leave a responder empty: it is left out. `teams` stands for several, with commas between. */
function respondersOf(responder: Responder, text: Rendering): readonly Readonly<Record<string, string>>[] {
  const fields = Object.entries(responder)
    .map(([key, template]) => [key, text(template)] as const)
    .filter(([, value]) => value !== '');
  if (fields.length === 0) return [];
  const { type: written = '', name = '', ...others } = Object.fromEntries(fields);
  const type = written.toLowerCase();
  if (type === 'teams') return listOf(name).map((team) => ({ name: team, type: 'team' }));
  return [{ ...others, ...(name === '' ? {} : { name }), type }];
}

function wordsOf(text: string, max: number): readonly string[] {
  return listOf(text)
    .slice(0, max)
    .map((word) => truncateCharacters(word, maxWord));
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
