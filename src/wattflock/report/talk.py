"""The assistant's conversation as a part of a page: what is said, what is agreed to, and a line to answer in."""

from html import escape

STYLE = """
.talk ol { list-style: none; margin: 0 0 12px; padding: 0; max-height: 60vh; overflow-y: auto; }
.talk ol li { margin: 6px 0; padding: 8px 12px; border-radius: 10px; max-width: 40em; width: fit-content; }
.talk li.asked { background: var(--ground); } .talk li.told { background: var(--tint); margin-left: auto; }
.talk form { display: flex; gap: 8px; flex-wrap: wrap; }
.talk label { flex: 1 1 100%; color: var(--soft); font-size: 14.5px; }
.talk input { flex: 1 1 12em; min-width: 0; font: inherit; padding: 8px 10px; border: 1px solid var(--line);
  border-radius: 8px; background: var(--paper); color: inherit; }
.talk button { font: inherit; padding: 8px 16px; border-radius: 8px; border: 1px solid var(--line); cursor: pointer; }
.talk [role=alert] { color: #b3261e; min-height: 1.4em; }
"""
SCRIPT = """
document.querySelectorAll('.talk').forEach(talk => {
  const [log, form, agreed, fault] = ['ol', 'form', 'ul', '[role=alert]'].map(each => talk.querySelector(each));
  const line = form.querySelector('input'), send = form.querySelector('button');
  const locale = /^(en|de)/.test(navigator.language) ? navigator.language : 'en';
  let state = null;
  const say = (text, who) => { const one = document.createElement('li'); one.className = who; one.textContent = text;
    log.append(one); log.scrollTop = log.scrollHeight; };
  const ask = async words => {
    send.disabled = true; fault.textContent = '';
    try {
      const answer = await fetch(talk.dataset.to, { method: 'POST', headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ state, words, locale }) });
      const found = await answer.json();
      if (!answer.ok || !found.said) throw new Error(found.error || answer.statusText);
      state = found.state; say(found.said, 'asked');
      agreed.replaceChildren(...Object.values(found.agreed).map(text => {
        const one = document.createElement('li'); one.textContent = text; return one; }));
      talk.dispatchEvent(new CustomEvent('agreed', { bubbles: true, detail: found }));
      line.value = '';
    } catch (error) { fault.textContent = 'Nothing was lost, but no answer came: ' + error.message; }
    send.disabled = false;
  };
  form.addEventListener('submit', event => { event.preventDefault(); const words = line.value.trim();
    if (words && !send.disabled) { say(words, 'told'); ask(words); } });
  ask(null);
});
"""


def talk(to: str) -> str:
    """HTML of a conversation that asks `to` for each answer (`assistant.reply`); `STYLE` and `SCRIPT` go with it once.

    An event `agreed` with the reply tells the page of each turn. What is said is set as text, never as HTML.

    Args:
        to: address that takes a message as JSON by POST, on the same host.
    """
    return (
        f'<div class="talk" data-to="{escape(to)}"><div role="log" aria-label="Conversation">'
        '<ol tabindex="0"></ol></div>'
        '<p role="alert"></p><form><label for="talk-words">Your answer</label>'
        '<input id="talk-words" maxlength="4000" autocomplete="off"><button>Send</button></form>'
        "<h3>Agreed so far</h3><ul></ul></div>"
    )
