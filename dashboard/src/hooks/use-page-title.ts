import { useMatches } from '@tanstack/react-router';

/** What the page is called that is shown: `Agent demo-1`. */
export function usePageTitle(): string {
  return useMatches({
    select: (matches) => {
      const { staticData, params } = matches.at(-1) ?? {};
      return staticData?.title?.(params ?? {}) ?? 'Omoi';
    },
  });
}
