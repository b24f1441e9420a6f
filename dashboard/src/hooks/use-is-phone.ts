import { useMediaQuery } from '@mantine/hooks';

/** Whether the page is as narrow as a phone’s. It is known before the first drawing. */
export function useIsPhone(): boolean {
  return useMediaQuery('(max-width: 600px)', false, { getInitialValueInEffect: false });
}
