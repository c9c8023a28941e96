// The inspector page, as one string of HTML.
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='7.5' cy='7.5' r='5' fill='none' stroke='%230b7a4b' stroke-width='2.5'/%3E%3Cpath d='M10 10l4 4' stroke='%230b7a4b' stroke-width='2.5'/%3E%3C/svg%3E";

export const PAGE_HTML = String.raw`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Quorate inspector</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="/style.css">
<script type="module" src="/app.js"></script>
</head>
<body>
<header class="bar">
  <h1><svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><circle cx="7.2" cy="7.2" r="5"/><path d="M10 10l4.2 4.2"/></svg>Quorate <span>inspector</span></h1>
  <p id="totals" class="totals"></p>
  <p id="link" class="link" role="status">connecting</p>
</header>
<div class="frame">
  <nav class="side" aria-label="Actors">
    <div class="filters">
      <input id="search" type="search" placeholder="Filter by id or state" aria-label="Filter by id or state" title="Press / to come here" autocomplete="off" spellcheck="false">
      <div class="row">
        <select id="type" aria-label="Machine type"><option value="">All types</option></select>
        <select id="status" aria-label="Status">
          <option value="">Any status</option><option value="active">Active</option><option value="done">Done</option>
          <option value="error">Error</option><option value="stopped">Stopped</option>
        </select>
      </div>
    </div>
    <div id="list" class="list"></div>
    <p id="more" class="more" hidden></p>
  </nav>
  <main id="main" class="main" hidden>
    <section class="head" aria-label="Actor">
      <h2 id="title"></h2>
      <p id="facts" class="facts"></p>
      <div id="family" class="family"></div>
    </section>
    <section class="drawing" aria-label="State chart">
      <div class="tools">
        <p id="where" class="where" aria-live="polite"></p>
        <div class="zoom" role="group" aria-label="Zoom">
          <button type="button" id="zoom-out" aria-label="Smaller">−</button>
          <button type="button" id="zoom-fit">Fit</button>
          <button type="button" id="zoom-in" aria-label="Larger">+</button>
        </div>
      </div>
      <div id="canvas" class="canvas" tabindex="0" aria-label="Drawing, scrollable"></div>
      <ul class="legend" aria-label="Legend">
        <li><i class="k current"></i>current state</li>
        <li><i class="k parent"></i>around it</li>
        <li><i class="k parallel"></i>parallel</li>
        <li><i class="k final"></i>final</li>
        <li><i class="k dot"></i>starts here</li>
        <li><i class="k last"></i>last transition</li>
        <li><b class="gear">⚙</b>invokes</li>
      </ul>
    </section>
    <section class="detail" aria-label="Details">
      <div class="tabs" role="tablist" aria-label="Details">
        <button type="button" role="tab" id="tab-context" aria-controls="panel" data-tab="context">Context</button>
        <button type="button" role="tab" id="tab-output" aria-controls="panel" data-tab="output">Output</button>
        <button type="button" role="tab" id="tab-stream" aria-controls="panel" data-tab="stream">Stream</button>
        <button type="button" role="tab" id="tab-events" aria-controls="panel" data-tab="events">Events</button>
        <button type="button" role="tab" id="tab-definition" aria-controls="panel" data-tab="definition">Definition</button>
      </div>
      <div id="panel" class="panel" role="tabpanel" tabindex="0"></div>
    </section>
  </main>
  <main id="empty" class="empty">
    <div>
      <h2>No actors yet</h2>
      <p>An actor appears here with its first step in this process; nothing has to be reloaded. Start one from any service that is connected:</p>
      <pre><code>await client.start('review', { id: 'first', input });</code></pre>
      <p>Actors that another process hosts are on that process's page; it prints its own address when it starts.</p>
    </div>
  </main>
</div>
</body>
</html>
`;
