import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { messagesQuery, routingTestQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import { AlertPlaces } from '../components/alert-places.tsx';
import { FilterChips } from '../components/filter-chips.tsx';
import { MessageRows } from '../components/message-rows.tsx';
import { More } from '../components/more.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { ReceiversPanel } from '../components/receivers-panel.tsx';
import { RoutesPanel } from '../components/route-list.tsx';
import { RouteTest } from '../components/route-test.tsx';
import rows from '../components/rows.module.css';
import { splitMatchers } from '../domain/alert-filter.ts';
import { MESSAGE_CHOICES, messageFilterOf, type RoutingSearch } from '../domain/message-filter.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import styles from './columns.module.css';

/** Which way alerts go to whom, where one would go, who is there to be told, and what was sent. */
export function RoutesPage() {
  const { client } = useServer();
  const { messages, receiver, labels = '' } = useSearch({ from: '/inside/alerts/routes' });
  const isTried = labels !== '';
  const test = useQuery({ ...routingTestQuery(client, splitMatchers(labels)), enabled: isTried });
  return (
    <>
      <PageTitle>Routes and receivers</PageTitle>
      <AlertPlaces />
      <div className={styles.columns}>
        <div className={styles.column}>
          <RouteTest key={labels} labels={labels} query={isTried ? test : null} />
          <RoutesPanel tested={isTried && test.error === null ? (test.data?.steps ?? null) : null} />
        </div>
        <div className={styles.column}>
          <ReceiversPanel />
          <Messages key={`${messages} ${receiver}`} messages={messages} receiver={receiver} />
        </div>
      </div>
    </>
  );
}

function Messages(search: Pick<RoutingSearch, 'messages' | 'receiver'>) {
  const { client } = useServer();
  const { messages: choice = 'all', receiver } = search;
  const size = usePageSize(20);
  const query = useQuery(messagesQuery(client, messageFilterOf(search), size.rows));
  return (
    <Panel title="Messages">
      <div className={rows.filters}>
        <FilterChips
          label="Which messages"
          choices={MESSAGE_CHOICES}
          chosen={choice}
          name={(one) => one}
          searchOf={(one) => ({ messages: one === 'all' ? undefined : one })}
        />
        {receiver !== undefined && (
          <span>
            only to {receiver}{' '}
            <Link
              to="."
              search={(before: object) => ({ ...before, receiver: undefined })}
              resetScroll={false}
            >
              all receivers
            </Link>
          </span>
        )}
      </div>
      <QueryView query={query} placeholderLines={4}>
        {({ messages, isWhole }) => (
          <>
            {messages.length === 0 ? (
              <Nothing>There is no message of this kind.</Nothing>
            ) : (
              <MessageRows messages={messages} label="Messages, newest first" isNarrow />
            )}
            {!isWhole && (
              <More shown={messages.length} total={null} what="messages, newest first" onMore={size.more} />
            )}
          </>
        )}
      </QueryView>
    </Panel>
  );
}
