// The operator console: asks the API every few seconds and shows what needs somebody.
// Whatever the API says is shown as text, never as markup.

const EVERY_MS = 5000;
const WITHIN_MS = 10000;
const ROWS_MAX = 200;
const NONE = "–";

const TONES = {
  healthy: "good", working: "good", heard: "good", ready: "good",
  degraded: "warn", expiring: "warn", throttled: "warn", probing: "warn", failing: "warn",
  waiting: "warn", paused: "warn",
  action_needed: "bad", blocked: "bad", disabled: "bad", silent: "bad", "not ready": "bad",
};

const TROUBLE = [
  "action_needed", "blocked", "degraded", "expiring",
  "failing", "throttled", "probing", "paused", "disabled",
];

const TABLES = ["subjects", "endpoints", "incidents", "nodes"];

const $ = (id) => document.getElementById(id);
const kept = window.sessionStorage;

function element(name, content, attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...[content ?? ""].flat().map((part) => (part instanceof Node ? part : String(part))));
  return made;
}

function state(word) {
  const text = String(word).replaceAll("_", " ");
  return element("span", text, { class: "state", "data-tone": TONES[word] ?? "quiet" });
}

function quiet(text) {
  return element("span", text, { class: "quiet" });
}

// "3 min ago", with the exact moment for whoever points at it.
function moment(text) {
  if (!text) return NONE;
  const seconds = Math.round((Date.now() - Date.parse(text)) / 1000);
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["s", 1];
  const count = Math.floor(Math.abs(seconds) / length);
  const words = seconds < 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
  return element("time", words, { datetime: text, title: text });
}

// Numbers as ranges: 1–3, 7.
function numbers(list) {
  const parts = [];
  for (const number of [...list].sort((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  const words = parts.slice(0, 40).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
  if (parts.length > 40) words.push(`… ${list.length} in all`);
  return words.join(", ") || NONE;
}

// A cell has its column's name with it, for screens where a row is a block; and its role, because
// such a block is no row any more to whoever has the page read aloud.
function row(cells, columns) {
  const [name, ...others] = cells;
  const shown = others.map((cell, nth) => {
    const { textContent: label, className } = columns[nth + 1];
    const kind = `${className} ${cell === NONE ? "none" : ""}`.trim();
    return element("td", cell, { role: "cell", "data-label": label, class: kind });
  });
  const first = element("th", name, { role: "rowheader", scope: "row" });
  return element("tr", [first, ...shown], { role: "row" });
}

// There may be more than are told of, and more are told of than are shown.
function show(table, rows, total = rows.length) {
  const columns = $(table).tHead.rows[0].cells;
  const shown = rows.slice(0, ROWS_MAX).map((cells) => row(cells, columns));
  if (shown.length < total) {
    const [some, all] = [shown.length, total].map((count) => count.toLocaleString("en"));
    const cut = element("td", `${some} of ${all} are shown`, { role: "cell", colspan: columns.length });
    shown.push(element("tr", cut, { role: "row" }));
  }
  $(table).tBodies[0].replaceChildren(...shown);
  $(table).hidden = rows.length === 0;
  $(table).parentElement.querySelector(".empty").hidden = rows.length > 0;
}

function alarm(text) {
  if ($("alarm").textContent !== text) $("alarm").textContent = text;
  $("alarm").hidden = text === "";
}

class Refused extends Error {
  constructor(status, path, detail) {
    super(`${path.split("?")[0]} answers ${status}${detail ? `: ${detail}` : ""}`);
    this.status = status;
  }
}

// 503 has a body too: /readyz says in it what is wrong.
async function ask(path, { token, may = [] } = {}) {
  const headers = token ? { api_access_token: token } : {};
  const signal = AbortSignal.timeout(WITHIN_MS);
  const answer = await fetch(path, { headers, signal, cache: "no-store" });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok && !may.includes(answer.status)) {
    throw new Refused(answer.status, path, body.detail ?? body.error ?? body.title);
  }
  return answer.ok || answer.status === 503 ? body : null;
}

function readiness(ready) {
  const trouble = ["log", "views", "fanout"].map((part) => ready[part]?.failing).filter(Boolean);
  const stuck = [...(ready.halted ?? []), ...(ready.quarantined ?? [])];
  if (stuck.length > 0) trouble.push(`streams that cannot go on: ${stuck.join(", ")}`);
  $("ready").textContent = ready.node ? `${ready.node} is ${ready.status}` : ready.status;
  $("ready").dataset.tone = TONES[ready.status] ?? "quiet";
  return trouble;
}

function subjectsOf(health) {
  const kinds = [["inboxes", "inbox"], ["hooks", "hook"], ["automation_rules", "rule"]];
  return kinds.flatMap(([list, kind]) => health[list].map((one) => ({ ...one, kind })));
}

function endpointsOf(health) {
  const webhooks = health.webhooks.map((one) => ({ ...one, kind: "webhook" }));
  return [...webhooks, ...health.endpoints];
}

// All that are open, also where not all are told of.
function countOf(open) {
  return (open.total ?? open.incidents.length) + open.installation.length;
}

function tiles(health, open, nodes) {
  const subjects = subjectsOf(health);
  const of = (...states) => subjects.filter((one) => states.includes(one.state)).length;
  const endpoints = endpointsOf(health);
  const sum = (key) => endpoints.reduce((sum, one) => sum + (one[key] ?? 0), 0);
  const all = [
    ["need somebody", of("action_needed", "blocked")],
    ["degraded or expiring", of("degraded", "expiring")],
    ["endpoints in trouble", endpoints.length],
    ["deliveries owed to them", sum("pending")],
    ["of these held", sum("held")],
    ["open incidents", countOf(open)],
  ];
  if (nodes) all.push(["nodes", nodes.nodes.length]);
  const tile = ([name, count]) =>
    element("div", [element("dt", name), element("dd", count.toLocaleString("en"))]);
  $("tiles").replaceChildren(...all.map(tile));
}

// So many are enough; there may be more.
function errors({ authorization_error_count: count, threshold }) {
  return count > threshold ? `${count} (limit ${threshold})` : `${count} of ${threshold}`;
}

function subjectRows(health) {
  const urgency = ["action_needed", "blocked", "expiring", "degraded"];
  const all = subjectsOf(health);
  all.sort((a, b) => urgency.indexOf(a.state) - urgency.indexOf(b.state) || a.id - b.id);
  return all.map((one) => [
    [`${one.name} `, quiet(`${one.kind}/${one.id}`)],
    state(one.state),
    moment(one.since),
    errors(one),
    one.next_action ?? NONE,
  ]);
}

function endpointRows(health) {
  return endpointsOf(health).map((one) => [
    [`${one.name ?? one.url} `, quiet(`${one.kind}/${one.id}`)],
    state(one.state),
    moment(one.since),
    one.pending.toLocaleString("en"),
    one.held.toLocaleString("en"),
    one.disabled_reason ?? one.first_failure ?? one.cause ?? NONE,
    one.next_action ?? NONE,
  ]);
}

// What all connections of a provider's app have in common comes first: it concerns the most.
function incidentRows(open) {
  const apps = open.installation.map((one) => ({
    ...one,
    name: [`app of ${one.provider} `, quiet(one.suspected ? `${one.id}, suspected` : one.id)],
    size: `${one.affected.toLocaleString("en")} affected`,
  }));
  const subjects = open.incidents.map((one) => ({
    ...one, name: one.subject, size: one.count.toLocaleString("en"),
  }));
  return [...apps, ...subjects].map((one) => [
    one.name,
    one.class ?? NONE,
    one.cause ?? NONE,
    moment(one.first_seen),
    moment(one.last_seen),
    one.size,
    one.muted ? one.muted_by : NONE,
  ]);
}

function nodeRows(nodes) {
  return nodes.nodes.map((node) => {
    const also = [["fanout", "fan-out"], ["expiry", "expiry"]];
    return [
      [`${node.name ?? node.id} `, node.this ? quiet("answers you") : ""],
      state(node.state),
      numbers(node.works.webhooks),
      numbers(node.works.inboxes),
      numbers(node.works.mail),
      also.filter(([part]) => node.works[part]).map(([, name]) => name).join(", ") || NONE,
    ];
  });
}

// What is to be shown now, as one: an answer that comes late is dropped with all of its round.
async function gather(token, account) {
  const base = `/api/v1/accounts/${encodeURIComponent(account)}`;
  const theirs = { token, may: [401, 403] };
  const [ready, health, open, nodes] = await Promise.all([
    ask("/readyz", { may: [503] }),
    ask(`${base}/health?state=${TROUBLE.join(",")}`, { token }),
    ask(`${base}/incidents?state=open&limit=${ROWS_MAX}`, { token }),
    ask("/api/v1/nodes", theirs),
  ]);
  return { ready, health, open, nodes };
}

function draw(account, { ready, health, open, nodes }) {
  signIn(false);
  alarm(readiness(ready).join("; "));
  tiles(health, open, nodes);
  show("subjects", subjectRows(health));
  show("endpoints", endpointRows(health));
  show("incidents", incidentRows(open), countOf(open));
  show("nodes", nodes ? nodeRows(nodes) : []);
  $("of-account").textContent = `in account ${account}`;
  const form = { dateStyle: "medium", timeStyle: "medium" };
  $("seen").textContent = `as of ${new Date(health.as_of).toLocaleString("en-GB", form)}`;
  $("console").hidden = false;
}

// The form is open while there is no token, or no account that it could be used for.
function signIn(needed) {
  const has = kept.getItem("token") !== null;
  if (needed && $("sign-in").hidden) $("account").value = kept.getItem("account") ?? "1";
  $("sign-in").hidden = !needed;
  $("sign-out").hidden = !has;
  $("token").required = !has;
  $("token").placeholder = has ? "the one from before" : "";
}

// Nothing of an account stays in the page of whoever has signed out of it.
function forget() {
  $("console").hidden = true;
  $("tiles").replaceChildren();
  for (const table of TABLES) show(table, []);
  $("of-account").textContent = "";
  $("seen").textContent = "";
}

// One round after the other, and none while nobody looks.
let round = 0;

async function watch() {
  const mine = ++round;
  while (mine === round) {
    const [token, account] = [kept.getItem("token"), kept.getItem("account") ?? "1"];
    if (token === null) {
      signIn(true);
      forget();
    }
    try {
      if (token !== null) {
        const found = await gather(token, account);
        if (mine !== round) return;
        draw(account, found);
      } else {
        const ready = await ask("/readyz", { may: [503] });
        if (mine !== round) return;
        alarm(readiness(ready).join("; "));
      }
    } catch (error) {
      if (mine !== round) return;
      complain(error, account);
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (document.hidden) {
      await new Promise((resolve) =>
        document.addEventListener("visibilitychange", resolve, { once: true }));
    }
  }
}

function complain(error, account) {
  if (error instanceof Refused && [401, 403].includes(error.status)) {
    kept.removeItem("token");
    signIn(true);
    forget();
    alarm(`The token is not good for this account. ${error.message}`);
    return;
  }
  if (error instanceof Refused && error.status === 404) {
    signIn(true);
    forget();
    const make = `PUT /api/v1/accounts/${account} makes it`;
    alarm(`There is no account ${account} yet: ${make}. The token is kept.`);
    return;
  }
  const known = error instanceof Refused;
  if (!known) {
    $("ready").textContent = "no answer";
    $("ready").dataset.tone = "bad";
  }
  const said = known ? error.message : "The server does not answer";
  alarm($("console").hidden ? `${said}.` : `${said}. What you see is of before.`);
}

$("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = $("token").value.trim();
  if (typed !== "") kept.setItem("token", typed);
  kept.setItem("account", $("account").value);
  $("token").value = "";
  alarm("");
  signIn(false);
  watch();
});

$("sign-out").addEventListener("click", () => {
  kept.clear();
  alarm("");
  watch();
  $("token").focus();
});

watch();
