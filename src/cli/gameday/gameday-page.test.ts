import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { keysOf, tableRow, withTable, type DocumentedKey } from '../../schema-tables.test-support.ts';
import { actionSchema } from './action-schemas.ts';
import { experimentSchema, stepSchema } from './experiment.ts';
import { probeSchema } from './probe-schemas.ts';

const PAGE = readFileSync(new URL('../../../docs/gamedays.md', import.meta.url), 'utf8');

interface Kind {
  readonly name: string;
  readonly meaning: string;
  readonly keys: readonly DocumentedKey[];
}

function kindsOf(schema: typeof actionSchema | typeof probeSchema): readonly Kind[] {
  return schema.options.map((option: z.ZodObject) => {
    const keys = keysOf(option);
    const [name = ''] = (option.shape['type'] as z.ZodLiteral<string>).values;
    return { name, meaning: option.description ?? '', keys: keys.filter((key) => key.name !== 'type') };
  });
}

const cellsOf = ({ name, standard, type, meaning }: DocumentedKey): readonly string[] => [
  `\`${name}\``,
  standard === null || standard === 'required' ? (standard ?? 'none') : `\`${standard}\``,
  type,
  meaning,
];

function tableOf(keys: readonly DocumentedKey[]): string {
  const head = [tableRow(['key', 'default', 'type', 'meaning']), '|---|---|---|---|'];
  return [...head, ...keys.map((key) => tableRow(cellsOf(key)))].join('\n');
}

function tableOfKinds(title: string, kinds: readonly Kind[]): string {
  const rows = kinds.flatMap(({ name, meaning, keys }) => [
    tableRow([`\`${name}\``, '', '', '', meaning]),
    ...keys.map((key) => tableRow(['', ...cellsOf(key)])),
  ]);
  return [tableRow([title, 'key', 'default', 'type', 'meaning']), '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}

describe('docs/gamedays.md', () => {
  const kinds = [...kindsOf(actionSchema), ...kindsOf(probeSchema)];
  const ofFile = keysOf(experimentSchema);
  const ofStep = keysOf(stepSchema).map((key) => ({
    ...key,
    type: key.name === 'do' ? 'one of [these](#what-may-be-done)' : key.type,
    ...(key.name === 'observe' && { type: 'one of [these](#what-may-be-observed)' }),
  }));

  /** `npm run unit -- src/cli/gameday/gameday-page -u` writes its tables anew. */
  it('lists every key of the file as its schema has it', async () => {
    const file = ofFile.map((key) =>
      key.name === 'method' ? { ...key, type: 'list of [steps](#a-step)' } : key,
    );
    let page = withTable(PAGE, '## The file', tableOf(file));
    page = withTable(page, '## A step', tableOf(ofStep));
    page = withTable(page, '## What may be done', tableOfKinds('action', kindsOf(actionSchema)));
    page = withTable(page, '## What may be observed', tableOfKinds('observation', kindsOf(probeSchema)));
    await expect(page).toMatchFileSnapshot('../../../docs/gamedays.md');
  });

  it('says what each thing is for', () => {
    const meanings = [...ofFile, ...ofStep, ...kinds, ...kinds.flatMap(({ keys }) => keys)];
    expect(meanings.length).toBeGreaterThan(80);
    expect(meanings.filter(({ meaning }) => !/^[A-Z`].*[.:`]$/.test(meaning))).toEqual([]);
  });
});
