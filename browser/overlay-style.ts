/** How the overlay looks. It is adopted by its shadow root, so a page's Content-Security-Policy has nothing to forbid. */

export const style: string = `
:host {
  all: initial;
  --paper: #fff;
  --ink: #18212e;
  --faded: #5a6574;
  --rule: #d5dbe4;
  --ring: rgb(70 88 115 / 22%);
  --alive: #2f6fd0;
  --suspect: #c77700;
  --dead: #cc3a2b;
  --left: #8994a3;
  --link: #16805a;
  --opening: #c77700;
  --relay: #8350cf;
  --accent: #c2185b;
  position: fixed;
  z-index: 2147483000;
  inset: auto 12px 12px auto;
  color-scheme: light dark;
  color: var(--ink);
  font: 12px/1.4 system-ui, sans-serif;
}
:host([data-corner="bottom-left"]) { inset: auto auto 12px 12px; }
:host([data-corner="top-right"]) { inset: 12px 12px auto auto; }
:host([data-corner="top-left"]) { inset: 12px auto auto 12px; }
@media (prefers-color-scheme: dark) {
  :host {
    --paper: #141a22;
    --ink: #e4e9f0;
    --faded: #9aa6b5;
    --rule: #323d4b;
    --ring: rgb(160 180 210 / 26%);
    --alive: #6ea8ff;
    --suspect: #f0a83c;
    --dead: #ff7a6b;
    --left: #76818f;
    --link: #45c796;
    --opening: #f0a83c;
    --relay: #b28cf2;
    --accent: #ff6fa5;
  }
}
section {
  box-sizing: border-box;
  display: flex;
  flex-direction: column;
  width: min(340px, calc(100vw - 24px));
  max-height: calc(100vh - 24px);
  border: 1px solid var(--rule);
  border-radius: 10px;
  background: var(--paper);
  box-shadow: 0 6px 24px rgb(0 0 0 / 22%);
  overflow: hidden;
}
section[data-size="large"] { width: min(640px, calc(100vw - 24px)); }
section[data-open="no"] { width: auto; border-radius: 16px; }
header { display: flex; align-items: center; gap: 4px; }
header button:first-child { flex: 1; display: flex; align-items: baseline; gap: 7px; padding: 7px 4px 7px 11px; text-align: left; }
button {
  padding: 7px 10px;
  border: 0;
  background: none;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
button:hover { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
b { font-weight: 600; }
.dot { width: 8px; height: 8px; border-radius: 50%; background: var(--suspect); }
[data-status="joined"] .dot { background: var(--link); }
[data-status="isolated"] .dot { background: var(--dead); }
[data-status="left"] .dot { background: var(--left); }
.status { color: var(--faded); }
[data-open="no"] .body, [data-open="no"] .size { display: none; }
[data-open="no"] header button:first-child { padding-right: 12px; }
.body { display: flex; flex-direction: column; min-height: 0; border-top: 1px solid var(--rule); overflow: auto; }
p, dl, dd { margin: 0; }
.reason { padding: 7px 11px 0; }
dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 10px; }
dt { color: var(--faded); }
dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.standing { grid-template-columns: auto minmax(0, 1fr) auto minmax(0, 1fr); padding: 3px 11px 0; }
canvas { display: block; width: 100%; height: 270px; cursor: pointer; touch-action: manipulation; }
[data-size="large"] canvas { height: min(560px, 55vh); }
.legend { display: flex; flex-wrap: wrap; gap: 0 10px; padding: 0 11px 6px; color: var(--faded); font-size: 11px; }
.legend span::before { content: ""; display: inline-block; width: 13px; margin: 0 4px 3px 0; border-top: 2px solid var(--link); }
.legend .opening::before { border-color: var(--opening); }
.legend .relayed::before { border-top: 2px dashed var(--relay); }
.legend .expected::before { border-top: 1px solid var(--faded); }
/* Of one height, whatever it says: the map must not move away under the pointer. */
.about { box-sizing: border-box; flex: none; height: 176px; padding: 7px 11px 10px; border-top: 1px solid var(--rule); overflow: auto; scrollbar-width: thin; }
.about b { margin-right: 6px; }
.about .because { margin-bottom: 4px; }
[data-of="suspect"] .because { color: var(--suspect); }
[data-of="dead"] .because { color: var(--dead); }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.about .hint { color: var(--faded); }
`
