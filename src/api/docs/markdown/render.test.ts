import { describe, expect, it } from 'vitest';
import { renderMarkdown } from './render.ts';

/** Lines of Markdown, and what they are as HTML; examples of CommonMark and GitHub where those have one. */
const CASES: readonly { readonly what: string; readonly text: readonly string[]; readonly html: string }[] = [
  { what: 'a paragraph of two lines', text: ['a', '  b', '', 'c'], html: '<p>a\nb</p>\n<p>c</p>' },
  {
    what: 'HTML as the text that it is',
    text: ['<b onclick="x">&amp;</b>'],
    html: '<p>&lt;b onclick=&quot;x&quot;&gt;&amp;amp;&lt;/b&gt;</p>',
  },
  {
    what: 'headings with their places',
    text: ['# A `b_c` & d', '## A b', '### A b ###'],
    html: [
      '<h1 id="a-b_c--d">A <code>b_c</code> &amp; d</h1>',
      '<h2 id="a-b">A b <a class="anchor" href="#a-b" aria-label="Link to A b">#</a></h2>',
      '<h3 id="a-b-1">A b <a class="anchor" href="#a-b-1" aria-label="Link to A b">#</a></h3>',
    ].join('\n'),
  },
  {
    what: 'no heading where there is no space',
    text: ['#not', '####### seven'],
    html: '<p>#not\n####### seven</p>',
  },
  {
    what: 'emphasis, and stars that are none',
    text: ['*a* **b *c* `*d*`** 2 * 3 * 4 *: x_y_z'],
    html: '<p><em>a</em> <strong>b <em>c</em> <code>*d*</code></strong> 2 * 3 * 4 *: x_y_z</p>',
  },
  {
    what: 'code over two lines, with backticks and with marks in it',
    text: ['`a', 'b` `` `c` `` `**d** <e> \\` `f'],
    html: '<p><code>a b</code> <code>`c`</code> <code>**d** &lt;e&gt; \\</code> `f</p>',
  },
  { what: 'escaped signs', text: ['\\*a\\* \\`b\\` \\c'], html: '<p>*a* `b` \\c</p>' },
  {
    what: 'links, and none to a script, to another server by its name alone, or within a link',
    text: ['[a `b`](/c?d&e) [f](#g) [h](javascript:i) [j](//k) [l](/\\m) [n](data:o) [p] (q)'],
    html: '<p><a href="/c?d&amp;e">a <code>b</code></a> <a href="#g">f</a> h j l n [p] (q)</p>',
  },
  {
    what: 'a link out of the server, without a word of where it was followed',
    text: ['[a', 'b](https://c.example/"d)'],
    html: '<p><a href="https://c.example/&quot;d" rel="noreferrer">a\nb</a></p>',
  },
  {
    what: 'a list behind a paragraph, items that go on, and a list in it',
    text: ['a', '- b', '  c', 'd', '- e', '  - f', '  - g', '- h'],
    html: [
      '<p>a</p>',
      '<ul>',
      '<li>b\nc\nd</li>',
      '<li>e\n<ul>\n<li>f</li>\n<li>g</li>\n</ul></li>',
      '<li>h</li>',
      '</ul>',
    ].join('\n'),
  },
  {
    what: 'numbers, from the first on',
    text: ['3. a', '4. b', '10. c', '', 'd 2', '2. e'],
    html: '<ol start="3">\n<li>a</li>\n<li>b</li>\n<li>c</li>\n</ol>\n<p>d 2\n2. e</p>',
  },
  {
    what: 'items with a blank line between them as paragraphs, with code',
    text: ['1. a', '', '   ```', '   b', '   ```', '', '2. c', '', 'd'],
    html: [
      '<ol>',
      '<li><p>a</p>\n<pre tabindex="0"><code>b</code></pre></li>',
      '<li><p>c</p></li>',
      '</ol>',
      '<p>d</p>',
    ].join('\n'),
  },
  {
    what: 'two lists of two kinds',
    text: ['- a', '1. b'],
    html: '<ul>\n<li>a</li>\n</ul>\n<ol>\n<li>b</li>\n</ol>',
  },
  {
    what: 'code as it is written',
    text: ['```yaml', 'a: <b> # **c**', '', '  - `d`', '```', '~~~~', '```', '~~~', '~~~~', 'e'],
    html: [
      '<pre tabindex="0"><code>a: &lt;b&gt; # **c**\n\n  - `d`</code></pre>',
      '<pre tabindex="0"><code>```\n~~~</code></pre>',
      '<p>e</p>',
    ].join('\n'),
  },
  {
    what: 'code that is indented, and code that is not closed',
    text: ['a', '', '    b', '', '      c', '', '```', 'd', ''],
    html: '<p>a</p>\n<pre tabindex="0"><code>b\n\n  c</code></pre>\n<pre tabindex="0"><code>d\n</code></pre>',
  },
  {
    what: 'a table behind a paragraph, with pipes in it and cells that are missing or too many',
    text: ['p', '| a | `b` |', '| --- | :-: |', '| 1 \\| `2\\|3` | *4* |', '|5|', '| 6 | 7 | 8 |', 'q'],
    html: [
      '<p>p</p>',
      '<div class="table" role="group" aria-label="Table: a, b" tabindex="0"><table>',
      '<thead><tr><th>a</th><th><code>b</code></th></tr></thead>',
      '<tbody>',
      '<tr><td>1 | <code>2|3</code></td><td><em>4</em></td></tr>',
      '<tr><td>5</td><td></td></tr>',
      '<tr><td>6</td><td>7</td></tr>',
      '</tbody></table></div>',
      '<p>q</p>',
    ].join('\n'),
  },
  {
    what: 'a table of many columns, each cell with the name of its column for who has no room for them',
    text: ['| a | `b "c"` | d |', '|---|---|---|', '| 1 | | 2 |'],
    html: [
      '<div class="table wide" role="group" aria-label="Table: a, b &quot;c&quot;, d" tabindex="0"><table>',
      '<thead><tr><th>a</th><th><code>b &quot;c&quot;</code></th><th>d</th></tr></thead>',
      '<tbody>',
      '<tr><td data-column="a">1</td><td data-column="b &quot;c&quot;"></td><td data-column="d">2</td></tr>',
      '</tbody></table></div>',
    ].join('\n'),
  },
  {
    what: 'a table without a header',
    text: ['| | |', '|---|---|', '| a | b |'],
    html: [
      '<div class="table" role="group" aria-label="Table: in pairs" tabindex="0"><table>',
      '<tbody>',
      '<tr><td>a</td><td>b</td></tr>',
      '</tbody></table></div>',
    ].join('\n'),
  },
  { what: 'a row without a rule as text', text: ['| a | b |'], html: '<p>| a | b |</p>' },
];

describe('renderMarkdown', () => {
  it.each(CASES)('shows $what', ({ text, html }) => expect(renderMarkdown(text.join('\n'))).toBe(html));

  it('reads the ends of lines of every system', () => {
    expect(renderMarkdown('# a\r\n\r\nb\r\n')).toBe('<h1 id="a">a</h1>\n<p>b</p>');
  });
});
