import { commonTexts, type Message } from '../../message.ts';
import type { Expand } from '../../templates/message-templates.ts';
import { truncateCharacters } from '../truncation.ts';
import { inOrder } from '../in-order.ts';
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

/** The alert that a message creates; one alias is one alert at Opsgenie, which counts what comes again. */
export async function opsgenieAlert(settings: OpsgenieSettings, message: Message, text: Expand) {
  const details = await inOrder(
    Object.entries(settings.details),
    async ([name, value]) => [name, await text(value)] as const,
  );
  const texts = {
    description: truncateCharacters(await text(settings.description), maxDescription),
    note: truncateCharacters(await text(settings.note), maxNote),
    priority: await text(settings.priority),
    entity: truncateCharacters(await text(settings.entity), maxEntity),
  };
  const lists = {
    responders: (await inOrder(settings.responders, (responder) => respondersOf(responder, text))).flat(),
    tags: wordsOf(await text(settings.tags), maxListed.tags),
    actions: wordsOf(await text(settings.actions), maxListed.actions),
  };
  return {
    message: truncateCharacters(await text(settings.message), maxMessage),
    details: { ...commonTexts(message.alerts.map(({ labels }) => labels)), ...Object.fromEntries(details) },
    source: truncateCharacters(await text(settings.source), maxSource),
    ...writtenTexts(texts),
    ...Object.fromEntries(Object.entries(lists).filter(([, values]) => values.length > 0)),
  };
}

/** Templates may leave a responder empty: it is left out. `teams` stands for several, with commas between. */
async function respondersOf(
  responder: Responder,
  text: Expand,
): Promise<readonly Readonly<Record<string, string>>[]> {
  const expanded = await inOrder(
    Object.entries(responder),
    async ([key, template]) => [key, await text(template)] as const,
  );
  const fields = expanded.filter(([, value]) => value !== '');
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
