import '@mantine/core/styles/default-css-variables.css';
import '@mantine/core/styles/baseline.css';
import '@mantine/core/styles/global.css';
import '@mantine/core/styles/UnstyledButton.css';
import '@mantine/core/styles/VisuallyHidden.css';
import '@mantine/core/styles/Paper.css';
import '@mantine/core/styles/ScrollArea.css';
import '@mantine/core/styles/Popover.css';
import '@mantine/core/styles/CloseButton.css';
import '@mantine/core/styles/Group.css';
import '@mantine/core/styles/Loader.css';
import '@mantine/core/styles/Overlay.css';
import '@mantine/core/styles/ModalBase.css';
import '@mantine/core/styles/Input.css';
import '@mantine/core/styles/InlineInput.css';
import '@mantine/core/styles/Flex.css';
import '@mantine/core/styles/FloatingIndicator.css';
import '@mantine/core/styles/ActionIcon.css';
import '@mantine/core/styles/Button.css';
import '@mantine/core/styles/Code.css';
import '@mantine/core/styles/Drawer.css';
import '@mantine/core/styles/Menu.css';
import '@mantine/core/styles/PasswordInput.css';
import '@mantine/core/styles/SegmentedControl.css';
import '@mantine/core/styles/Skeleton.css';
import { MantineProvider } from '@mantine/core';
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiClient, ApiError } from './api/client.ts';
import { Contact } from './api/contact.ts';
import { followLive } from './api/follow-live.ts';
import { LiveEvents } from './api/live.ts';
import { sessionQuery } from './api/queries.ts';
import { ServerProvider } from './api/server-context.tsx';
import { createAppRouter } from './router.tsx';
import './styles.css';
import { cssVariables, theme } from './theme.ts';

const contact = new Contact(() => Date.now());
const client = new ApiClient(window.fetch.bind(window), contact);

/** A session that has ended: forget it, and let the router send the person to log in. */
function onFailure(error: Error): void {
  if (!(error instanceof ApiError) || error.status !== 401) return;
  if (queries.getQueryData(sessionQuery(client).queryKey) === null) return;
  queries.setQueryData(sessionQuery(client).queryKey, null);
  void router.invalidate();
}

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: onFailure }),
  mutationCache: new MutationCache({ onError: onFailure }),
  defaultOptions: {
    queries: {
      // What is wrong with a request stays wrong; what is wrong with the network may pass.
      retry: (failures, error) =>
        failures < 2 && !(error instanceof ApiError && error.status < 500 && error.status > 0),
      refetchOnWindowFocus: true,
    },
  },
});
const live = new LiveEvents((url) => new EventSource(url), followLive(queries));
const server = { client, live, contact };
contact.watch(() => {
  // What is read seldom is old by now.
  if (contact.lostSinceMs === null) void queries.invalidateQueries();
});
const router = createAppRouter({ queries, server });

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no place for the dashboard');
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <ServerProvider value={server}>
          <RouterProvider router={router} />
        </ServerProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
