"""What every page must have: names, one heading, contrast, buttons large enough; and the browser that looks at it."""

from __future__ import annotations

from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

BASICS = """() => {
  const said = [];
  const seen = (n) => n.offsetParent !== null || n.closest('#shade');
  for (const n of document.querySelectorAll('button, input:not([type=hidden]), textarea, a, [role=group], [role=dialog], [role=log]')) {
    const by = n.getAttribute('aria-labelledby');
    const name = n.getAttribute('aria-label') || (by && document.getElementById(by).textContent) ||
      (n.labels && n.labels.length && n.labels[0].textContent) || n.textContent;
    if (!name.trim()) said.push('no name: ' + n.outerHTML.slice(0, 80));
  }
  const ids = [...document.querySelectorAll('[id]')].map((n) => n.id);
  for (const id of ids) if (ids.filter((i) => i === id).length > 1) said.push('twice: ' + id);
  for (const n of document.querySelectorAll('img:not([alt])')) said.push('no alt');
  if (document.querySelectorAll('h1').length !== 1) said.push('h1');
  if (document.querySelectorAll('main').length !== 1) said.push('main');
  if (document.documentElement.lang !== 'zh-CN') said.push('lang');
  const log = document.querySelector('#log');
  if (log && log.getAttribute('aria-live') !== 'polite') said.push('live');
  const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  for (const n of document.querySelectorAll('body *')) {
    if (![...n.childNodes].some((c) => c.nodeType === 3 && c.data.trim()) || !n.offsetParent || n.closest('noscript')) continue;
    let p = n, back = [0, 0, 0, 0];
    while (p && (back = parse(getComputedStyle(p).backgroundColor)).length === 4 && back[3] === 0) p = p.parentElement;
    const a = light(parse(getComputedStyle(n).color).slice(0, 3)), b = light(back.slice(0, 3));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) said.push('contrast ' + ratio.toFixed(2) + ': ' + n.textContent.slice(0, 20));
  }
  for (const n of document.querySelectorAll('button')) {
    const box = n.getBoundingClientRect();
    if (n.offsetParent && (box.width < 36 || box.height < 36)) said.push('small: ' + n.textContent);
  }
  return said;
}"""
