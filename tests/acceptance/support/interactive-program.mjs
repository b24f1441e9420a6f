// A program as interactive ones are: it asks what it runs on, and reads keys one by one. Each line is one JSON text.
const say = (about) => process.stdout.write(`${JSON.stringify(about)}\r\n`);
const size = () => ({ columns: process.stdout.columns, rows: process.stdout.rows });

process.stdout.on('resize', () => say({ resized: size() }));
process.stdin.setRawMode(true);
process.stdin.on('data', (keys) => {
  say({ keys: keys.toString('hex') });
  if (keys.includes('q')) process.exit(7);
});
if (process.argv.includes('--full-screen')) process.stdout.write('\x1b[?1049h\x1b[?25l');
say({
  pid: process.pid,
  terminals: [process.stdin.isTTY, process.stdout.isTTY, process.stderr.isTTY],
  colours: process.stdout.hasColors(256),
  ...size(),
});
