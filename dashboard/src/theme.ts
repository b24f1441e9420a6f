import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** The one colour of the product; everything else that is coloured is a state. */
const omoi: MantineColorsTuple = [
  '#e6f7f4',
  '#d0ece7',
  '#a2d9d0',
  '#70c5b7',
  '#48b4a3',
  '#2ea996',
  '#1ba38f',
  '#0f8f7c',
  '#037f6e',
  '#006e5f',
];

/** The greys of the dark scheme, in the hue of its surfaces (`styles.css`). */
const dark: MantineColorsTuple = [
  '#e6ebf1',
  '#c3ccd6',
  '#93a0af',
  '#64707e',
  '#34404d',
  '#28313b',
  '#1b222a',
  '#13181e',
  '#0f1419',
  '#0c1014',
];

export const theme = createTheme({
  primaryColor: 'omoi',
  // White on a brighter one has a contrast of less than 4.5 to 1.
  primaryShade: 8,
  colors: { omoi, dark },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily:
    'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "JetBrains Mono", "SF Mono", Menlo, Consolas, monospace',
  headings: { fontWeight: '600' },
});

/** What is wrong with what was typed, in the red of `styles.css`: Mantine’s own has a contrast of less than 4.5 to 1. */
const inOwnRed = { '--mantine-color-error': 'var(--bad)' };

export const cssVariables: CSSVariablesResolver = () => ({ variables: {}, light: inOwnRed, dark: inOwnRed });
