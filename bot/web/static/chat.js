/* The chat page. Language level ES2017: older in-app browsers run it as it is. Text only ever becomes text nodes. */
(function () {
  'use strict';

  var POLL_MS = 20000;
  var SEND_MS = 20000;
  var UPLOAD_MS = 180000;
  var DIGIT_MS = 600; // a digit typed into the empty box may be the start of "2斤少1两": wait before it picks an option
  var GAP_MS = 5 * 60 * 1000;
  var PAGE = 60;
  var NOT_SENT = '没发出去，点这里重发';
  var NO_HISTORY = '网络不通，之前的对话稍后再显示。';
  var LINK = /https?:\/\/[^\s<>"'“”‘’\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]+/g; // ends at Chinese text or punctuation

  var limits = {
    text: Number(document.body.dataset.maxText),
    files: Number(document.body.dataset.maxFiles),
    bytes: Number(document.body.dataset.maxBytes)
  };

  function el(id) { return document.getElementById(id); }
  var log = el('log'), box = el('box'), status = el('status'), tray = el('tray'), plus = el('plus');
  var shade = el('shade'), panel = el('panel'), codeBox = el('code-box');

  function make(tag, className, text) {
    var node = document.createElement(tag);
    if (className) { node.className = className; }
    if (text !== undefined) { node.textContent = text; }
    return node;
  }

  // Storage may be forbidden (private mode, in-app browsers): then the page remembers until it is closed.
  var memory = {};
  var store = {
    get: function (name) {
      try { return window.localStorage.getItem(name); } catch (blocked) { return name in memory ? memory[name] : null; }
    },
    set: function (name, value) {
      memory[name] = value;
      try { window.localStorage.setItem(name, value); } catch (blocked) { /* kept in memory */ }
    },
    drop: function (name) {
      delete memory[name];
      try { window.localStorage.removeItem(name); } catch (blocked) { /* kept in memory */ }
    }
  };

  var token = store.get('scale.token');
  var last = 0;
  var known = new Set();   // lines on the page, by kind and id
  var queue = [];          // items waiting to be sent, in order
  var loose = [];          // own bubbles the server has not confirmed yet, oldest first
  var busy = false;
  var open = null;         // the options that can be tapped now: {choices, multi, node, row}
  var lastTime = 0;
  var digitTimer = 0;

  // ---- requests -------------------------------------------------------------------------------------------------

  function Refused(code, sentence) { this.code = code; this.sentence = sentence; }

  function request(method, path, body, milliseconds) {
    var headers = {};
    if (token) { headers.Authorization = 'Bearer ' + token; }
    if (body && !(body instanceof FormData)) { headers['Content-Type'] = 'application/json'; body = JSON.stringify(body); }
    var stop = typeof AbortController === 'function' ? new AbortController() : null;
    var options = { method: method, headers: headers, body: body, credentials: 'same-origin', cache: 'no-store' };
    if (stop) { options.signal = stop.signal; }
    return new Promise(function (resolve, reject) {
      var timer = setTimeout(function () { if (stop) { stop.abort(); } reject(new Error('timeout')); }, milliseconds || SEND_MS);
      fetch(path, options).then(function (response) {
        return response.json().catch(function () { return {}; }).then(function (data) {
          if (!response.ok) { throw new Refused(response.status, data.error || ''); }
          return data;
        });
      }).then(resolve, reject).then(function () { clearTimeout(timer); });
    });
  }

  function keep(fresh) {
    token = fresh;
    last = 0;
    known.clear();
    store.set('scale.token', fresh);
  }

  function forget() {
    token = null;
    store.drop('scale.token');
  }

  async function ensureSession() {
    if (!token) { keep((await request('POST', '/chat/session')).token); }
  }

  /* With a session; when it is no longer known, with a new one, without troubling the person. */
  async function withSession(work) {
    await ensureSession();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 401) { throw error; }
      forget();
      await ensureSession();
      return work();
    }
  }

  function newKey() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, function (b) { return ('0' + b.toString(16)).slice(-2); }).join('');
  }

  // ---- sending --------------------------------------------------------------------------------------------------

  function saveUnsent() {
    var items = loose.filter(function (item) { return !item.files; }).map(function (item) {
      return { key: item.key, text: item.text, choice: item.choice, shown: item.shown };
    });
    if (items.length) { store.set('scale.unsent', JSON.stringify(items)); } else { store.drop('scale.unsent'); }
  }

  function submit(item) {
    item.key = item.key || newKey();
    status.textContent = '';
    closeChoices();
    showTime(Date.now());
    item.row = mineRow(item.shown, item.files);
    log.appendChild(item.row);
    loose.push(item);
    saveUnsent();
    bottom();
    enqueue(item);
  }

  function enqueue(item) {
    if (item.fail) { item.fail.remove(); item.fail = null; }
    item.row.classList.add('waiting');
    queue.push(item);
    pump();
  }

  async function pump() {
    if (busy) { return; }
    busy = true;
    el('typing').hidden = false;
    bottom();
    while (queue.length) { await deliver(queue.shift()); }
    el('typing').hidden = true;
    busy = false;
  }

  function post(item) {
    if (!item.files) {
      var body = { key: item.key, after: last };
      if (item.choice) { body.choice = item.choice; } else { body.text = item.text; }
      return request('POST', '/chat/messages', body);
    }
    var form = new FormData();
    form.append('key', item.key);
    form.append('after', String(last));
    item.files.forEach(function (file) { form.append('files', file, file.name); });
    return request('POST', '/chat/files', form, UPLOAD_MS);
  }

  async function deliver(item) {
    try {
      var answer = await withSession(function () { return post(item); });
      item.row.classList.remove('waiting');
      take(answer, item);
    } catch (error) {
      if (error instanceof Refused) { refuse(item, error); } else { fail(item, '', true); }
    }
    saveUnsent();
  }

  function refuse(item, error) {
    var again = error.code === 429 || error.code >= 500 || error.code === 401;
    fail(item, error.sentence, again);
    if (again) { return; }
    release(item);
    if (item.text && !box.value) { box.value = item.text; grow(); }
  }

  function fail(item, sentence, again) {
    item.row.classList.remove('waiting');
    if (item.fail) { item.fail.remove(); }
    item.fail = make('div', 'fail');
    if (sentence) { item.fail.appendChild(make('span', '', sentence)); }
    if (again) {
      var button = make('button', '', NOT_SENT);
      button.type = 'button';
      button.addEventListener('click', function () { enqueue(item); });
      item.fail.appendChild(button);
    }
    item.row.querySelector('.side').appendChild(item.fail);
    bottom();
  }

  function release(item) {
    var at = loose.indexOf(item);
    if (at >= 0) { loose.splice(at, 1); }
  }

  // ---- what came back -------------------------------------------------------------------------------------------

  function lineKey(line) { return (line.reply ? 'r' : 'm') + line.id; }

  /* Put new lines on the page. `own` is the item just sent: its line is the last of ours among them. */
  function take(answer, own) {
    var fresh = answer.lines.filter(function (line) { return !known.has(lineKey(line)); });
    var ownAt = -1;
    if (own && loose.indexOf(own) >= 0) {
      fresh.forEach(function (line, at) { if (!line.reply) { ownAt = at; } });
      // Nothing of ours is new: an earlier try arrived and, after a reload, its line already stands here.
      if (ownAt < 0 && own.restored) { own.row.remove(); }
      release(own);
    }
    var before = ownAt >= 0 ? own.row : null;
    var firstReply = null;
    fresh.forEach(function (line, at) {
      known.add(lineKey(line));
      if (at === ownAt) { before = null; return; }
      if (!line.reply && adopt(line)) { return; }
      var row = put(line, before);
      if (line.reply && !before && !firstReply) { firstReply = row; }
    });
    last = Math.max(last, answer.last);
    if (fresh.length) { bottom(); }
    if (own && firstReply) { startOf(firstReply); }
  }

  /* An answer longer than the window is read from its first line. */
  function startOf(row) {
    var above = log.getBoundingClientRect().top - row.getBoundingClientRect().top;
    if (above > 0) { log.scrollTop -= above + 8; }
  }

  /* A failed bubble whose message did arrive after all. */
  function adopt(line) {
    var item = loose.filter(function (one) {
      return one.fail && !one.files && (line.mine === one.text || line.mine === one.shown);
    })[0];
    if (!item) { return false; }
    item.fail.remove();
    item.fail = null;
    release(item);
    saveUnsent();
    return true;
  }

  function put(line, before) {
    if (!before) { closeChoices(); showTime(new Date(line.at).getTime()); }
    var row = line.reply ? replyRow(line.reply) : mineRow(line.mine || '', null, line.files);
    log.insertBefore(row, before);
    if (line.reply && (line.reply.choices.length || line.reply.more)) {
      if (before) { row.querySelector('.side').appendChild(oldChoices(line.reply.choices)); } else { offer(line.reply, row); }
    }
    return row;
  }

  async function load() {
    if (!token) { return; }
    log.setAttribute('aria-live', 'off'); // a page of history is not news to read aloud
    try {
      var answer;
      do {
        answer = await request('GET', '/chat/messages?after=' + last);
        take(answer);
      } while (answer.lines.length >= PAGE);
    } catch (error) {
      if (error instanceof Refused && error.code === 401) { forget(); } else { status.textContent = NO_HISTORY; }
    }
    setTimeout(function () { log.setAttribute('aria-live', 'polite'); }, 300);
  }

  async function poll() {
    if (!token || busy || document.hidden) { return; }
    var mine = token;
    try {
      var answer = await request('GET', '/chat/messages?after=' + last);
      if (mine === token && !busy) { take(answer); if (status.textContent === NO_HISTORY) { status.textContent = ''; } }
    } catch (error) {
      if (error instanceof Refused && error.code === 401 && mine === token) { forget(); }
    }
  }

  // ---- drawing --------------------------------------------------------------------------------------------------

  function bottom() { log.scrollTop = log.scrollHeight; if (getComputedStyle(log).overflowY === 'visible') { window.scrollTo(0, document.documentElement.scrollHeight); } }

  function two(n) { return (n < 10 ? '0' : '') + n; }

  function showTime(ms) {
    if (ms - lastTime < GAP_MS) { lastTime = Math.max(ms, lastTime); return; }
    lastTime = ms;
    var at = new Date(ms), today = new Date();
    var midnight = new Date(today.getFullYear(), today.getMonth(), today.getDate()).getTime();
    var clock = two(at.getHours()) + ':' + two(at.getMinutes());
    var day = '';
    if (ms < midnight - 86400000) { day = (at.getFullYear() === today.getFullYear() ? '' : at.getFullYear() + '年') + (at.getMonth() + 1) + '月' + at.getDate() + '日 '; }
    else if (ms < midnight) { day = '昨天 '; }
    log.appendChild(make('p', 'time', day + clock));
  }

  function appendLinked(node, text) {
    var from = 0;
    text.replace(LINK, function (url, at) {
      node.appendChild(document.createTextNode(text.slice(from, at)));
      var link = make('a', '', url);
      link.href = url;
      link.target = '_blank';
      link.rel = 'noopener noreferrer';
      node.appendChild(link);
      from = at + url.length;
      return url;
    });
    node.appendChild(document.createTextNode(text.slice(from)));
  }

  function bubble(text, stressed) {
    var node = make('p', 'bubble');
    var cut = text.indexOf('\n');
    if (stressed && cut > 0 && text.length > 60) {
      var lead = make('span', 'lead');
      appendLinked(lead, text.slice(0, cut));
      node.appendChild(lead);
      text = text.slice(cut);
    }
    appendLinked(node, text);
    return node;
  }

  function row(kind, who) {
    var node = make('div', 'row ' + kind);
    var side = make('div', 'side');
    if (kind === 'bot') {
      var face = make('span', 'face', '秤');
      face.setAttribute('aria-hidden', 'true');
      node.appendChild(face);
    }
    side.appendChild(make('span', 'hide', who));
    node.appendChild(side);
    return node;
  }

  function replyRow(reply) {
    var node = row('bot', '小助手说：');
    node.lastChild.appendChild(bubble(reply.text, true));
    return node;
  }

  function mineRow(text, files, names) {
    if (el('starts')) { el('starts').remove(); } // the greeting's options are open only until something is said
    var node = row('me', '我说：');
    if (text) { node.lastChild.appendChild(bubble(text, false)); }
    if (files || names) { node.lastChild.appendChild(shots(files || [], names || [])); }
    return node;
  }

  function shots(files, names) {
    var node = make('div', 'bubble shots');
    files.forEach(function (file) {
      if (!/^image\/(png|jpe?g|gif|webp)$/.test(file.type)) { node.appendChild(make('span', 'paperclip', '📎 ' + file.name)); return; }
      var picture = make('img');
      picture.alt = '照片：' + file.name;
      picture.addEventListener('load', function () { URL.revokeObjectURL(picture.src); bottom(); });
      picture.src = URL.createObjectURL(file);
      node.appendChild(picture);
    });
    names.forEach(function (name) { node.appendChild(make('span', 'paperclip', '📎 ' + name)); });
    return node;
  }

  // ---- options --------------------------------------------------------------------------------------------------

  function offer(reply, node) {
    var group = make('div', 'chips');
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', reply.multi ? '可以选几个' : '请选一个');
    open = { choices: reply.choices, multi: reply.multi, group: group, side: node.querySelector('.side'), buttons: [] };
    reply.choices.forEach(function (choice) { group.appendChild(chip(choice, reply.multi)); });
    if (reply.multi) { group.appendChild(doneChip()); }
    if (reply.more) { group.appendChild(moreChip()); }
    open.side.appendChild(group);
  }

  function chip(choice, multi) {
    var button = make('button', 'chip');
    button.type = 'button';
    button.appendChild(make('b', '', String(choice.n)));
    button.appendChild(document.createTextNode(' '));
    button.appendChild(make('span', '', choice.label));
    if (multi) { button.setAttribute('aria-pressed', 'false'); }
    button.addEventListener('click', function (event) { tap(choice.n, event.detail === 0); });
    open.buttons.push(button);
    return button;
  }

  function moreChip() {
    var button = make('button', 'chip', '更多');
    button.type = 'button';
    button.addEventListener('click', function () { submit({ text: '更多', shown: '更多' }); });
    return button;
  }

  function doneChip() {
    var button = make('button', 'chip done', '选好了');
    button.type = 'button';
    button.disabled = true;
    button.addEventListener('click', function () {
      var numbers = picked();
      submit({ text: numbers.join(' '), shown: numbers.join(' ') });
    });
    open.done = button;
    return button;
  }

  function picked() {
    return open.choices.filter(function (choice, at) { return open.buttons[at].getAttribute('aria-pressed') === 'true'; })
      .map(function (choice) { return choice.n; });
  }

  function tap(n, byKeyboard) {
    var button = open && open.buttons[n - 1];
    if (!button) { return; }
    if (open.multi) {
      button.setAttribute('aria-pressed', button.getAttribute('aria-pressed') === 'true' ? 'false' : 'true');
      open.done.disabled = picked().length === 0;
      return;
    }
    var choice = open.choices[n - 1];
    submit({ choice: choice.token, text: choice.token ? '' : String(n), shown: choice.label });
    (byKeyboard ? box : log).focus({ preventScroll: true });
  }

  function oldChoices(choices) {
    var list = make('ul', 'old');
    choices.forEach(function (choice) { list.appendChild(make('li', '', choice.n + ' ' + choice.label)); });
    return list;
  }

  function closeChoices() {
    clearTimeout(digitTimer);
    if (!open) { return; }
    open.group.remove();
    open.side.appendChild(oldChoices(open.choices));
    open = null;
  }

  document.addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || !shade.hidden) { return; }
    if (!open || !/^[1-9]$/.test(event.key)) { return; }
    if (document.activeElement !== box) { event.preventDefault(); tap(Number(event.key), true); return; }
    if (box.value) { return; }
    var digit = event.key, button = open.buttons[digit - 1];
    if (button) { button.classList.add('soon'); }
    digitTimer = setTimeout(function () {
      if (button) { button.classList.remove('soon'); }
      if (button && box.value === digit) { box.value = ''; grow(); tap(Number(digit), true); }
    }, DIGIT_MS);
  });

  // ---- writing --------------------------------------------------------------------------------------------------

  function grow() {
    box.style.height = 'auto';
    box.style.height = Math.min(box.scrollHeight + 2, 136) + 'px';
  }

  function sendBox() {
    var text = box.value.trim();
    if (!text) { box.focus(); return; }
    clearTimeout(digitTimer);
    box.value = '';
    grow();
    submit({ text: text, shown: text });
  }

  box.addEventListener('input', grow);
  box.addEventListener('keydown', function (event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) { return; }
    event.preventDefault();
    sendBox();
  });
  el('composer').addEventListener('submit', function (event) { event.preventDefault(); sendBox(); });
  ['quick', 'starts'].forEach(function (id) {
    el(id).addEventListener('click', function (event) {
      var button = event.target.closest('[data-say]');
      if (button) { submit({ text: button.dataset.say, shown: button.dataset.say }); }
    });
  });

  // ---- files ----------------------------------------------------------------------------------------------------

  function showTray(visible) {
    tray.hidden = !visible;
    plus.setAttribute('aria-expanded', String(visible));
    bottom();
  }

  function sendFiles(files) {
    var tooBig = files.filter(function (file) { return file.size > limits.bytes; })[0];
    if (files.length > limits.files) { status.textContent = '一次最多发 ' + limits.files + ' 个，请分几次发。'; return; }
    if (tooBig) { status.textContent = '“' + tooBig.name + '”超过了 ' + Math.floor(limits.bytes / 1048576) + ' MB，请换小一点的再发。'; return; }
    showTray(false);
    submit({ files: files, shown: '' });
  }

  plus.addEventListener('click', function () { showTray(tray.hidden); });
  ['camera', 'album', 'files'].forEach(function (id) {
    el(id).addEventListener('change', function () {
      var files = Array.from(this.files);
      this.value = ''; // the same file may be chosen again
      if (files.length) { sendFiles(files); }
    });
  });

  // ---- another device -------------------------------------------------------------------------------------------

  function showPanel(visible) {
    shade.hidden = !visible;
    if (visible) { el('take-code').focus(); } else { el('code').textContent = ''; el('code-error').textContent = ''; el('move').focus(); }
  }

  function clearPage() {
    closeChoices();
    Array.from(log.querySelectorAll('.row:not(#welcome), .time')).forEach(function (node) { node.remove(); });
    loose = [];
    lastTime = 0;
    saveUnsent();
  }

  function sentenceOf(error) { return error instanceof Refused && error.sentence ? error.sentence : '网络不通，请稍后再试。'; }

  el('move').addEventListener('click', function () { showPanel(true); });
  el('close').addEventListener('click', function () { showPanel(false); });
  shade.addEventListener('click', function (event) { if (event.target === shade) { showPanel(false); } });
  el('take-code').addEventListener('click', async function () {
    var shown = el('code');
    try {
      var answer = await withSession(function () { return request('POST', '/chat/handover'); });
      shown.textContent = '';
      shown.appendChild(make('strong', '', answer.code));
      shown.appendChild(document.createTextNode(answer.minutes + ' 分钟内有效，只能用一次'));
    } catch (error) { shown.textContent = sentenceOf(error); }
  });
  el('code-form').addEventListener('submit', async function (event) {
    event.preventDefault();
    el('code-error').textContent = '';
    try {
      var answer = await request('POST', '/chat/session/redeem', { code: codeBox.value });
      keep(answer.token);
      codeBox.value = '';
      clearPage();
      showPanel(false);
      await load();
    } catch (error) { el('code-error').textContent = sentenceOf(error); }
  });
  el('leave').addEventListener('click', function () {
    forget();
    store.drop('scale.unsent');
    window.location.reload();
  });
  panel.addEventListener('keydown', function (event) {
    if (event.key === 'Escape') { showPanel(false); return; }
    if (event.key !== 'Tab') { return; }
    var stops = panel.querySelectorAll('button, input');
    var first = stops[0], final = stops[stops.length - 1];
    if (event.shiftKey && document.activeElement === first) { event.preventDefault(); final.focus(); }
    if (!event.shiftKey && document.activeElement === final) { event.preventDefault(); first.focus(); }
  });

  // ---- large type, coming back ----------------------------------------------------------------------------------

  function setBig(on) {
    document.documentElement.classList.toggle('big', on);
    el('big').setAttribute('aria-pressed', String(on));
    store.set('scale.big', on ? '1' : '');
    grow();
    bottom();
  }

  function restore() {
    var items = [];
    try { items = JSON.parse(store.get('scale.unsent') || '[]'); } catch (damaged) { items = []; }
    items.forEach(function (item) {
      item.restored = true;
      item.row = mineRow(item.shown);
      log.appendChild(item.row);
      loose.push(item);
      fail(item, '', true);
    });
  }

  el('big').addEventListener('click', function () { setBig(!document.documentElement.classList.contains('big')); });
  document.addEventListener('visibilitychange', poll);
  window.addEventListener('online', function () {
    loose.filter(function (item) { return item.fail && !item.restored; }).forEach(enqueue);
    poll();
  });
  setInterval(poll, POLL_MS);
  if (store.get('scale.big')) { setBig(true); }

  // From the page of a pledge: its number is asked about, as if it had been typed. Nothing else in an address is.
  function askedAbout() {
    var number = new URLSearchParams(location.search).get('p') || '';
    if (!/^CXJL-[0-9]{4}-[0-9]{6}-[0-9]$/.test(number)) { return; }
    history.replaceState(null, '', location.pathname);
    submit({ text: number, shown: number });
  }

  load().then(restore).then(askedAbout);
}());
