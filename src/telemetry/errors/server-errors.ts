import { entry, type ErrorEntry } from './error-entry.ts';

/** What any request may meet, and what keeps a server from starting or writing. */
export const SERVER_ERRORS = {
  // requests
  invalid_request: entry(
    400,
    'A value that the request gives cannot be what is meant there.',
    'Correct the field that the message names.',
  ),
  unknown_key: entry(
    400,
    'The request says something that this server does not know, and nothing of it was done.',
    'Correct or leave out the key or parameter that the message names. Where a client newer than the server sends it, update the server first.',
  ),
  invalid_cursor: entry(
    400,
    'The place at which the next page is to begin belongs to another list or other filters.',
    'Begin with the first page. A cursor goes with the list and the filters that gave it.',
  ),
  malformed_json: entry(
    400,
    'The body is no JSON, or is nested deeper than JSON is read.',
    'Send well-formed JSON.',
  ),
  body_too_large: entry(
    413,
    'The body has more bytes or values than the server reads in one request.',
    'Send less at once; the message names the limit.',
  ),
  unsupported_media_type: entry(
    415,
    'The route does not read bodies of this `Content-Type`.',
    'Send one of the content types that the message lists.',
  ),
  not_found: entry(
    404,
    'Nothing is served under this path; on the command line: no server answers where one was looked for.',
    'Check the path.',
  ),
  expectation_failed: entry(
    417,
    'The request asks by its `Expect` header for something that the server cannot do.',
    'Send no `Expect` header but `100-continue`.',
  ),
  method_not_allowed: entry(
    405,
    'The path is there, but takes other methods; `Allow` names them.',
    'Use a method that the path supports.',
  ),
  internal_error: entry(
    500,
    'The server failed for a reason of its own. Its log has the cause under the id of the request.',
    'Look at the server log for the request id and report it.',
  ),
  shutting_down: entry(
    503,
    'The server is being stopped and begins nothing new.',
    'Try again; the server is stopping.',
    true,
  ),
  not_ready: entry(
    503,
    'The server has just been started, and some of its parts are not up yet.',
    'Wait for the parts that the message names.',
    true,
  ),
  server_busy: entry(
    503,
    'The memory for bodies of requests is in use by others at the moment.',
    'Send it again in a moment.',
    true,
  ),
  too_many_streams: entry(
    503,
    'As many live streams are open as the server keeps.',
    'Close a dashboard, or raise the limit that the message names.',
    true,
  ),
  host_not_allowed: entry(
    403,
    'The request was sent to a host name that is not the server’s: a page of somebody else could have made a browser do that.',
    'Use an address the server listens on, or list the host under `http.allowed_hosts`.',
  ),
  origin_not_allowed: entry(
    403,
    'A page of another site has sent the request.',
    'Call from the dashboard’s own origin.',
  ),
  // access
  unauthenticated: entry(
    401,
    'The request carries no token or session, or one that is unknown, revoked or expired.',
    'Send `Authorization: Bearer <token>` or log in.',
  ),
  forbidden: entry(
    403,
    'The token or session is good, but its role may not do this.',
    'Use a token whose role the message names.',
  ),
  token_scope: entry(
    403,
    'The token speaks for other agents or pools than the one that the request is about.',
    'Use a token that is bound to this agent or pool.',
  ),
  csrf_token_missing: entry(
    403,
    'A session of the dashboard has changed something without the secret that shows that its own page did it.',
    'Send the session’s CSRF token in the `x-omoi-csrf` header.',
  ),
  unknown_token: entry(404, 'No token has this id.', 'List the tokens to see what exists.'),
  token_name_taken: entry(
    409,
    'A token that works has this name already.',
    'Choose another name, or revoke the token of that name.',
  ),
  login_link_invalid: entry(
    401,
    'The link was used before, has expired, or was not made by this server.',
    'Make a new login link with `omoi token login`.',
  ),
  // configuration
  config_invalid: entry(
    400,
    'The configuration, or a variable `OMOI_…`, says something that cannot be meant. The server does not start with it.',
    'Correct the key at the line that the message names.',
  ),
  rule_file_invalid: entry(
    400,
    'A rule file cannot be read, or an expression in it cannot be evaluated.',
    'Correct the line that the message names; the old rules keep running.',
  ),
  rule_test_file_invalid: entry(
    400,
    'A file of unit tests of rules cannot be read, or says what cannot be tested.',
    'Correct the lines that the message names; nothing of the file was run.',
  ),
  files_changing: entry(
    503,
    'A file of the configuration, of rules, routing or policies was being written each time that it was read.',
    'Ask again once it is written whole; what was in force stays so.',
    true,
  ),
  policy_file_invalid: entry(
    400,
    'A policy file cannot be read, or names an action, a key or a matcher that does not exist.',
    'Correct the line that the message names; the old policies keep running.',
  ),
  gameday_file_invalid: entry(
    400,
    'The file of a game day cannot be read, is none, or there is no game day of this name.',
    'Correct the line that the message names.',
  ),
  address_unavailable: entry(
    500,
    'The server cannot listen where the configuration says: another program does, or this user may not.',
    'Stop the program that listens there, or choose another address by the key that the message names.',
  ),
  // storage
  data_directory_exposed: entry(
    500,
    'Other users of the machine could read or change the data directory, and with it become admin.',
    'Type the command that the message names, or choose another directory.',
  ),
  data_directory_unusable: entry(
    500,
    'The data directory cannot be made, read or written, or what lies there is not Omoi’s.',
    'Do what the message says, or choose another directory by `data_directory` or `OMOI_DATA_DIRECTORY`.',
  ),
  backup_failed: entry(
    500,
    'The copy of the state could not be made; no part of it was left behind.',
    'Do what the message says, or choose another file.',
  ),
  database_too_new: entry(
    500,
    'The database was written by a newer Omoi, whose tables this one does not know.',
    'Start the Omoi version that wrote the database, or a newer one.',
  ),
  database_busy: entry(
    500,
    'Another server holds the database, and two would overwrite each other.',
    'Stop the other server that uses this data directory or PostgreSQL database, or choose another.',
  ),
  database_failed: entry(
    503,
    'The database did not do what it was asked for. Nothing was changed.',
    'Look at the server log for the cause; the call may be repeated.',
    true,
  ),
  commit_unknown: entry(
    503,
    'The database was lost while a change was being committed: whether it was is not known.',
    'Look whether it was done before you do it again: Omoi ended while it was written, and knows after its next start.',
  ),
  database_conflict: entry(
    503,
    'Others changed the same rows at the same time. Nothing was changed.',
    'Try again; other changes of the same rows got in the way several times in a row.',
    true,
  ),
  server_fenced: entry(
    503,
    'Another server has taken over the state, so that this one may not change it any more.',
    'Ask the server that the message names: it has taken over, and this one ends with exit code 75.',
    true,
  ),
  storage_full: entry(
    507,
    'The disk has no room left. What was acknowledged is kept; the oldest telemetry goes first.',
    'Free disk space; writing resumes by itself.',
    true,
  ),
  storage_failed: entry(
    503,
    'A file of the data directory could not be read or written.',
    'Look at the server log for the cause.',
    true,
  ),
} as const satisfies Record<string, ErrorEntry>;
